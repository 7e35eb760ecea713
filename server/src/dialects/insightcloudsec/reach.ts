/**
 * What of an organisation a caller reaches (specs: insightcloudsec.md §6.10). A Basic User reaches what the roles of their
 * groups cover; there are no such roles here yet, so that is nothing: lists are empty, and ids are unknown.
 */
import type { FastifyRequest } from 'fastify';
import type { ListFilter } from '../../store/list.js';
import { visitorOf } from './door.js';
import { unknown } from './ids.js';

export function reachesClouds(request: FastifyRequest): boolean {
  return visitorOf(request).type !== 'basic';
}

/** Of a list of clouds or resources: none where nothing is reached. */
export function withinReach<Field extends string>(request: FastifyRequest): ListFilter<Field>[] {
  return reachesClouds(request) ? [] : [{ either: [] }];
}

/** @throws DomainError `not-found` */
export function requireReach(request: FastifyRequest, thing: string, id: unknown): void {
  if (!reachesClouds(request)) throw unknown(thing, id);
}
