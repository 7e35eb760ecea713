/**
 * A dialect: one vendor's API, spoken over our rooms.
 *
 * It is an encapsulated scope of the HTTP server: its hooks, body parsers, error form and schemas reach no other one.
 * It sees services of rooms, never a store, never another dialect. Whatever a vendor's client expects to be odd (JSON on
 * GET, binary bodies called JSON, colons in paths) is dealt with here and nowhere else: the outer server installs no
 * body parser, so a scope starts with none and adds its own.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TSchema } from 'typebox';
import type { Core } from '../core.js';

declare module 'fastify' {
  /** What a route says of itself beside its schemas, for the published description. */
  interface FastifySchema {
    readonly tags?: readonly [string];
    readonly summary?: string;
    readonly description?: string;
    /** Unique in its dialect, as a function would be called: `blueprints_list`. */
    readonly operationId?: string;
    /** Bodies that are no JSON, by media type. No parser reads them, so nothing checks them either. */
    readonly uploads?: Readonly<Record<string, TSchema>>;
    /** Answered without credentials. */
    readonly open?: boolean;
  }
}

export interface Dialect {
  /** Folder name; names the dialect in logs and metrics. */
  readonly name: string;
  /** For people, on the landing page. */
  readonly title: string;
  /** Path prefixes it answers under, the best first. */
  readonly roots: readonly string[];
  /** What its OpenAPI document says beyond the routes. */
  readonly api: ApiDescription;
  /** Where people read about it, if its vendor has promised a place; `/docs/NAME/` with one document where absent. */
  readonly reference?: Reference;
  /** Answers under its roots a URL that no route can be looked up for, in the dialect's form of errors. */
  readonly refuseUrl?: (reply: FastifyReply, message: string) => void;
  /** Adds the dialect's routes to a scope of its own. */
  mount(app: FastifyInstance, core: Core): Promise<void>;
}

/** The page on which people read about a dialect, and the OpenAPI documents behind it. */
export interface Reference {
  readonly page: string;
  /** Together they tell every operation, and each operation once. */
  readonly documents: readonly ReferenceDocument[];
}

export interface ReferenceDocument {
  readonly path: string;
  readonly title: string;
  /** Of the operations; all where absent. */
  readonly tags?: readonly string[];
  /** Whether the document itself carries samples of requests and answers, for readers that make none. */
  readonly samples?: boolean;
}

/** One operation, as far as a dialect must know it to say what holds for it. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  readonly body: 'none' | 'json' | 'upload';
  readonly hasPathParameters: boolean;
  readonly open: boolean;
}

export interface ApiDescription {
  /** What a newcomer must know before the first call; Markdown. */
  readonly description: string;
  /** Every tag that routes use, in the order in which people should meet them, with a sentence. */
  readonly tags: Readonly<Record<string, string>>;
  /** The unique name of an operation that several prefixes serve; its own where absent. */
  operationName?(operationId: string, path: string): string;
  /** OpenAPI security schemes by name. */
  readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Alternatives, each a list of schemes that are needed together; not asked for open operations. */
  security(operation: Operation): readonly (readonly string[])[];
  /** Schema and media type of every refusal. */
  readonly error: { readonly schema: TSchema; readonly mediaType: string };
  /** Status -> what it means here, and the name of the response. */
  readonly refusals: Readonly<Record<number, { readonly name: string; readonly description: string }>>;
  /** Statuses with which an operation may refuse. */
  refusalsOf(operation: Operation): readonly number[];
}
