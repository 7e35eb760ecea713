/** Harvests of cloud accounts, and imports (specs: insightcloudsec.md §6.3, §8.3). */
import { Type } from 'typebox';
import { DomainError } from '../../errors.js';
import type { ImportFormat } from '../../inventory/harvest.js';
import { type CloudFacts, cloudAt } from './cloud-record.js';
import { add, READERS, WRITERS } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Id, Int, Ok, RecordTime, Text } from './fields.js';
import type { Mounting } from './mounting.js';
import { recordTime } from './times.js';

const Schedule = Type.Object(
  {
    job: Type.String({ maxLength: 200 }),
    region: Type.Optional(Type.String({ maxLength: 128 })),
    organization_service_id: Id,
  },
  { title: 'HarvestSchedule' },
);

const Job = Type.Object(
  {
    region: Text,
    resource_type: Text,
    last_started: Type.Optional(RecordTime),
    last_finished: Type.Optional(RecordTime),
    status: Text,
    error: Type.Optional(Text),
    schedule: Type.Object({ job: Text, region: Text, organization_service_id: Int }),
  },
  { title: 'HarvestJob' },
);

const Import = Type.Object(
  {
    format: Type.String({ description: 'terraform_state or kubernetes', maxLength: 50 }),
    document: Type.Unknown({ description: 'The document, as a text or as parsed JSON' }),
    region: Type.Optional(
      Type.String({ description: 'Of what does not say where it is', minLength: 1, maxLength: 128 }),
    ),
  },
  { title: 'Import' },
);

const Report = Type.Object(
  {
    created: Int,
    modified: Int,
    destroyed: Int,
    unchanged: Int,
    total: Int,
    skipped: Type.Array(Type.Object({ address: Text, reason: Text })),
  },
  { title: 'ImportReport' },
);

const FORMATS: Readonly<Record<string, ImportFormat>> = {
  terraform_state: 'terraform-state',
  kubernetes: 'kubernetes',
};

/** The job of accounts that are imported, which are all that is harvested. */
const JOB = 'Import';
const params = { cloud: 'divvyorganizationservice:3' };

export function addHarvests(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/divvy/cloud/:cloud/last_harvest/get',
    name: 'harvests_list_last',
    tag: 'Harvesting',
    summary: 'List the harvest jobs of a cloud account with their last runs',
    may: READERS,
    params,
    answer: Type.Array(Job),
    async handle(call) {
      const cloud = await cloudAt(call, call.params.cloud);
      const runs = await call.core.harvests.last(call.caller, cloud.uid);
      return jobsOf(cloud).map((job) => {
        const run = runs.find((each) => each.job === 'import');
        return {
          region: 'global',
          resource_type: 'all',
          ...(run === undefined ? {} : { last_started: recordTime(run.startedAt) }),
          ...(run?.endedAt == null ? {} : { last_finished: recordTime(run.endedAt) }),
          status: run?.status ?? 'never_run',
          ...(run?.error == null ? {} : { error: run.error }),
          schedule: { job: `harvest:${job}`, region: 'global', organization_service_id: cloud.uid },
        };
      });
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/divvy/cloud/enqueue_harvest_job',
    name: 'harvests_enqueue',
    tag: 'Harvesting',
    summary: 'Let a harvest job run next',
    description: 'Accounts that are imported have nothing that could be asked again: they are imported anew.',
    may: WRITERS,
    body: Schedule,
    answer: Ok,
    async handle(call) {
      const { body } = call;
      const cloud = await cloudAt(call, body.organization_service_id);
      if (!jobsOf(cloud).some((job) => body.job === `harvest:${job}`)) {
        throw invalidInput('job', `Cloud "${cloud.name}" has no harvest job "${body.job}"`);
      }
      throw new DomainError(
        'invalid',
        'harvest-by-import',
        `Cloud "${cloud.name}" is harvested by import: send the document again`,
      );
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/cloud/:cloud/import',
    name: 'harvests_import',
    tag: 'Harvesting',
    summary: 'Import a document as the whole of a cloud account',
    description:
      'For accounts with the authentication_type import. What was there and is not in the document is destroyed, but for disabled regions.',
    may: WRITERS,
    params,
    body: Import,
    answer: Report,
    async handle(call) {
      const { core, caller, body } = call;
      const { uid } = await cloudAt(call, call.params.cloud);
      const format = Object.hasOwn(FORMATS, body.format) ? FORMATS[body.format] : undefined;
      if (format === undefined) {
        throw invalidInput(
          'format',
          `format must be one of ${Object.keys(FORMATS).join(', ')}, not "${body.format}"`,
        );
      }
      const { document, region = null } = body;
      return core.harvests.importDocument(caller, uid, { format, document, region });
    },
  });
}

function jobsOf({ signIn }: CloudFacts): readonly string[] {
  return signIn === 'import' ? [JOB] : [];
}
