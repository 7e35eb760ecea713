/** Bodies are taken as they are: nothing is turned into another type, and nothing that has no meaning is dropped in silence. */
import type { FastifySchemaValidationError } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** A validator in the form that the HTTP server wants. */
export function strictly(schema: TSchema) {
  const validator = Compile(schema);
  return (value: unknown) => {
    if (validator.Check(value)) return { value };
    const error: FastifySchemaValidationError[] = validator
      .Errors(value)
      .map(({ keyword, instancePath, schemaPath, params, message }) => ({
        keyword,
        instancePath,
        schemaPath,
        params: { ...params },
        message,
      }));
    return { error };
  };
}
