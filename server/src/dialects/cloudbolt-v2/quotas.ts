/**
 * Quotas and prices: extensions, since the product has them in its pages alone (specs: cloudbolt.md §7, "Rate", "Quota"). Setting one
 * again replaces it.
 */
import { Type } from 'typebox';
import type { QuotaField, RateField } from '../../ordering/quota-book.js';
import type { Amounts } from '../../ordering/quotas.js';
import { RATE_SUBJECTS, type RateSubject } from '../../ordering/rates.js';
import { diskGb, memoryMb } from '../../ordering/sizes.js';
import { callerOf } from './auth.js';
import { type Body, bodyOf } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { readKey } from './hrefs.js';
import { integer, relation, text } from './paths.js';
import {
  addCollection,
  type Collection,
  HalItem,
  ItemParams,
  itemOf,
  type Mounting,
  sendHal,
} from './resource.js';
import { hrefMember, integerMember, member, required, textMember } from './values.js';

interface QuotaRow {
  readonly number: number;
  readonly holder: string;
  readonly groupNumber: number | null;
  readonly groupCode: string | null;
  readonly groupName: string | null;
  readonly environmentNumber: number | null;
  readonly environmentCode: string | null;
  readonly environmentName: string | null;
  readonly account: number | null;
  readonly servers: number | null;
  readonly cpus: number | null;
  readonly memoryMb: number | null;
  readonly diskGb: number | null;
  readonly rate: number | null;
}

export const QUOTAS: Collection<QuotaField, QuotaRow> = {
  name: 'quotas',
  tag: 'Quotas and rates',
  thing: 'quota',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    group: relation('groups', 'groupNumber', 'groupCode', 'groupName'),
    environment: relation('environments', 'environmentNumber', 'environmentCode', 'environmentName'),
    'vm-count': integer('servers'),
    'cpu-cnt': integer('cpus'),
  },
  reads: [
    ...([
      'number',
      'holder',
      'groupNumber',
      'groupCode',
      'groupName',
      'environmentNumber',
      'environmentCode',
    ] as const),
    ...(['environmentName', 'account', 'servers', 'cpus', 'memoryMb', 'diskGb', 'rate'] as const),
  ],
  title: ({ number }) => `Quota id ${number}`,
  thin: ({ number, groupName, environmentName, account }) => ({
    name: groupName ?? environmentName ?? `Resource handler ${account}`,
    id: String(number),
  }),
  list: (core, caller, query) => core.quotaBook.quotas(caller, query),
  item: async ({ hrefs, row }) => ({
    _links: {
      self: hrefs.link('quotas', { number: row.number, title: `Quota id ${row.number}` }),
      group: hrefs.toOne(
        'groups',
        row.groupNumber === null
          ? null
          : { number: row.groupNumber, code: row.groupCode, title: row.groupName! },
      ),
      environment: hrefs.toOne(
        'environments',
        row.environmentNumber === null
          ? null
          : { number: row.environmentNumber, code: row.environmentCode, title: row.environmentName! },
      ),
      'resource-handler': hrefs.toOne(
        'resource-handlers',
        row.account === null ? null : { number: row.account, title: `Resource handler ${row.account}` },
      ),
    },
    id: String(row.number),
    'vm-count': row.servers,
    'cpu-cnt': row.cpus,
    'mem-size': row.memoryMb === null ? null : `${(row.memoryMb / 1024).toFixed(4)} GB`,
    'disk-size': row.diskGb === null ? null : `${row.diskGb} GB`,
    rate: row.rate,
  }),
};

interface RateRow {
  readonly number: number;
  readonly subject: string;
  readonly name: string;
  readonly amount: number;
  readonly environmentNumber: number | null;
  readonly environmentCode: string | null;
  readonly environmentName: string | null;
}

export const RATES: Collection<RateField, RateRow> = {
  name: 'rates',
  tag: 'Quotas and rates',
  thing: 'rate',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    subject: text('subject'),
    name: text('name'),
    environment: relation('environments', 'environmentNumber', 'environmentCode', 'environmentName'),
  },
  reads: ['number', 'subject', 'name', 'amount', 'environmentNumber', 'environmentCode', 'environmentName'],
  title: ({ number }) => `Rate id ${number}`,
  thin: ({ number, subject, name, amount }) => ({ subject, name, amount, id: String(number) }),
  list: (core, caller, query) => core.quotaBook.rates(caller, query),
  item: async ({ hrefs, row }) => ({
    _links: {
      self: hrefs.link('rates', { number: row.number, title: `Rate id ${row.number}` }),
      environment: hrefs.toOne(
        'environments',
        row.environmentNumber === null
          ? null
          : { number: row.environmentNumber, code: row.environmentCode, title: row.environmentName! },
      ),
    },
    id: String(row.number),
    subject: row.subject,
    name: row.name,
    amount: row.amount,
  }),
};

const HOLDERS = ['group', 'environment', 'resource-handler'] as const;

export function addQuotas(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, QUOTAS);
  scope.post(
    '/quotas',
    {
      schema: {
        tags: ['Quotas and rates'],
        operationId: 'quotas_set',
        summary: 'Limit what a group, an environment or a resource handler holds',
        body: Type.Object({
          group: Type.Optional(Type.String()),
          environment: Type.Optional(Type.String()),
          'resource-handler': Type.Optional(Type.String()),
          'vm-count': Type.Optional(Type.Integer()),
          'cpu-cnt': Type.Optional(Type.Integer()),
          'mem-size': Type.Optional(Type.String({ description: '64 GB' })),
          'disk-size': Type.Optional(Type.String()),
          rate: Type.Optional(Type.Number()),
        }),
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const named = HOLDERS.filter((holder) => member(body, holder) !== undefined);
      if (named.length !== 1) throw badRequest(`Exactly one of ${HOLDERS.join(', ')} must be named`);
      const number = await core.quotaBook.setQuota(caller, {
        of: await holderOf(mounting, caller, body, named[0]!),
        limits: limitsOf(body),
      });
      return sendHal(request, reply, await itemOf(QUOTAS, { core, caller, hrefs }, String(number)), 201);
    },
  );
  addRemoval(mounting, 'quotas', (caller, number) => core.quotaBook.removeQuota(caller, number));

  addCollection(mounting, RATES);
  scope.post(
    '/rates',
    {
      schema: {
        tags: ['Quotas and rates'],
        operationId: 'rates_set',
        summary: 'Set a price',
        body: Type.Object({
          subject: Type.Union(RATE_SUBJECTS.map((subject) => Type.Literal(subject))),
          name: Type.Optional(Type.String({ description: 'Of an OS build, application or parameter' })),
          environment: Type.Optional(Type.String({ description: 'Only there' })),
          amount: Type.Number(),
        }),
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const subject = required('subject', textMember(body, 'subject'));
      if (!(RATE_SUBJECTS as readonly string[]).includes(subject)) {
        throw badRequest(`Invalid value for 'subject': it should be one of ${RATE_SUBJECTS.join(', ')}`);
      }
      const environment = hrefMember(body, 'environment', ['environments']);
      const number = await core.quotaBook.setRate(caller, {
        subject: subject as RateSubject,
        name: (textMember(body, 'name') ?? '').slice(0, 256),
        environment: environment === undefined ? null : await core.environments.find(caller, environment),
        amount: member(body, 'amount'),
      });
      return sendHal(request, reply, await itemOf(RATES, { core, caller, hrefs }, String(number)), 201);
    },
  );
  addRemoval(mounting, 'rates', (caller, number) => core.quotaBook.removeRate(caller, number));
}

function addRemoval(
  { scope }: Mounting,
  name: 'quotas' | 'rates',
  remove: (caller: ReturnType<typeof callerOf>, number: number) => Promise<void>,
): void {
  scope.delete<{ Params: { id: string } }>(
    `/${name}/:id`,
    {
      schema: {
        tags: ['Quotas and rates'],
        operationId: `${name}_delete`,
        summary: `Take a ${name.slice(0, -1)} away`,
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const key = readKey(name, request.params.id);
      if (key === null || !('number' in key)) throw notFoundHere();
      await remove(callerOf(request), key.number);
      return reply.code(204).send();
    },
  );
}

async function holderOf(
  { core }: Mounting,
  caller: ReturnType<typeof callerOf>,
  body: Body,
  holder: (typeof HOLDERS)[number],
) {
  if (holder === 'group') {
    return { group: await core.groups.find(caller, required(holder, hrefMember(body, holder, ['groups']))) };
  }
  if (holder === 'environment') {
    const key = required(holder, hrefMember(body, holder, ['environments']));
    return { environment: await core.environments.find(caller, key) };
  }
  const key = required(holder, hrefMember(body, holder, ['resource-handlers']));
  if (!('number' in key)) throw badRequest("Invalid value for 'resource-handler': name it by its number");
  const account = await core.cloudAccounts.get(caller, key.number);
  return { account: account.uid };
}

function limitsOf(body: Body): Partial<Amounts> {
  const servers = integerMember(body, 'vm-count');
  const cpus = integerMember(body, 'cpu-cnt');
  const memory = member(body, 'mem-size');
  const disk = member(body, 'disk-size');
  const rate = member(body, 'rate');
  return {
    ...(servers === undefined ? {} : { servers }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryMb: memoryMb(memory, 'mem-size') }),
    ...(disk === undefined ? {} : { diskGb: diskGb(disk, 'disk-size') }),
    ...(rate === undefined ? {} : { rate: Number(rate) }),
  };
}
