/**
 * What things cost: processors, memory, disk, OS builds, applications and rated parameters, for each server. Pure.
 *
 * Amounts are counted in ten-thousandths, as whole numbers, so that ten items of 0.10 are 1.00.
 */
import { DomainError } from '../errors.js';

export const RATE_UNITS = ['hour', 'day', 'week', 'month', 'year'] as const;
export type RateUnit = (typeof RATE_UNITS)[number];

export const RATE_SUBJECTS = ['cpu', 'memory', 'disk', 'os-build', 'application', 'parameter'] as const;
export type RateSubject = (typeof RATE_SUBJECTS)[number];

/** One line of the price list. `name`: which OS build, application or parameter; empty for processors, memory and disk. */
export interface Rate {
  readonly subject: RateSubject;
  readonly name: string;
  /** Null: everywhere; else only there, and in the place of the one that holds everywhere. */
  readonly environment: number | null;
  /** For each unit of time, and each processor, GB, build, application, or unit of the parameter's value. */
  readonly amount: number;
}

/** What of a server is rated. */
export interface RatedServer {
  readonly environment: number;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly osBuild: string | null;
  readonly applications: readonly string[];
  /** Numbers count as they are, `true` as one; other values cost nothing. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Hardware and software as they are told apart on a server. */
export interface CostBreakdown {
  readonly hardware: number;
  readonly software: number;
  readonly extra: number;
  readonly total: number;
}

const PARTS = 10_000;

/** What a server costs in one unit of time. */
export function costOf(server: RatedServer, rates: readonly Rate[]): CostBreakdown {
  const table = new Map<string, Rate>();
  for (const rate of rates) {
    if (rate.environment !== null && rate.environment !== server.environment) continue;
    const key = `${rate.subject} ${rate.name}`;
    if (rate.environment !== null || !table.has(key)) table.set(key, rate);
  }
  const at = (subject: RateSubject, name = '') => inParts(table.get(`${subject} ${name}`)?.amount ?? 0);
  const hardware =
    server.cpus * at('cpu') + (server.memoryMb / 1024) * at('memory') + server.diskGb * at('disk');
  const software =
    (server.osBuild === null ? 0 : at('os-build', server.osBuild)) +
    server.applications.reduce((sum, name) => sum + at('application', name), 0);
  const extra = Object.entries(server.parameters).reduce(
    (sum, [name, value]) => sum + unitsOf(value) * at('parameter', name),
    0,
  );
  const whole = [hardware, software, extra].map(Math.round) as [number, number, number];
  return {
    hardware: whole[0] / PARTS,
    software: whole[1] / PARTS,
    extra: whole[2] / PARTS,
    total: (whole[0] + whole[1] + whole[2]) / PARTS,
  };
}

/** The sum of amounts, without what floating point would add to it. */
export function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + inParts(amount), 0) / PARTS;
}

/** `28.80/month`. */
export function shownRate(amount: number, unit: RateUnit): string {
  const shown = (Math.round(amount * 100) / 100).toFixed(2);
  return `${shown === '-0.00' ? '0.00' : shown}/${unit}`;
}

/** @throws DomainError `invalid` (`rate-invalid`) */
export function requireAmount(amount: unknown, field: string): number {
  const value = typeof amount === 'string' && amount.trim() !== '' ? Number(amount) : amount;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= 1_000_000) return value;
  throw new DomainError('invalid', 'rate-invalid', `${field} must be a number from 0 to 1000000`, {
    details: { field },
  });
}

function inParts(amount: number): number {
  return Math.round(amount * PARTS);
}

function unitsOf(value: unknown): number {
  if (value === true) return 1;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return typeof value === 'string' && /^\s*\d{1,9}(\.\d+)?\s*$/.test(value) ? Number(value) : 0;
}
