/** The documents behind a page, read and put in order. */
import { isObject, type JsonObject } from '../../src/openapi/components.js';
import { type Described, listOf, operationsOf, resolved, textOf } from '../../src/openapi/reading.js';

export interface Source {
  readonly path: string;
  readonly title: string;
}

export interface Tag {
  readonly name: string;
  readonly about: string;
  readonly operations: readonly Described[];
}

export interface Chapter {
  readonly source: Source;
  readonly document: JsonObject;
  readonly about: string;
  readonly version: string;
  readonly tags: readonly Tag[];
}

/** @throws Error in words for the reader */
export async function readDocument(source: Source): Promise<Chapter> {
  const answer = await fetch(source.path, { headers: { accept: 'application/json' } }).catch(() => null);
  if (answer === null) throw new Error('The server did not answer.');
  if (!answer.ok) throw new Error(`The server answered ${answer.status} for ${source.path}.`);
  const document: unknown = await answer.json().catch(() => null);
  if (!isObject(document as JsonObject)) throw new Error(`${source.path} is no OpenAPI document.`);
  return chapterOf(source, document as JsonObject);
}

export function chapterOf(source: Source, document: JsonObject): Chapter {
  const info = resolved(document, document.info);
  const operations = operationsOf(document);
  const declared = listOf(document.tags).filter(isObject);
  const about = new Map(declared.map((each) => [textOf(each.name), textOf(each.description)]));
  const names = [...new Set([...about.keys(), ...operations.map(({ tag }) => tag)])];
  return {
    source,
    document,
    about: textOf(info.description),
    version: textOf(info.version),
    tags: names
      .map((name) => ({
        name,
        about: about.get(name) ?? '',
        operations: operations.filter(({ tag }) => tag === name),
      }))
      .filter(({ operations }) => operations.length > 0),
  };
}
