/**
 * Packages as files: a zip with one JSON document that says what it is, and the scripts of its actions beside it, so that people can
 * read them. What comes in is bounded in every way, and never written to a disk.
 */
import { readArchive } from '../../catalog/archive/read-archive.js';
import type { JsonObject } from '../../dsl/plan.js';
import { ACTION_KINDS, type ActionKind, type NewAction } from '../../ordering/actions.js';
import type { CarriedItem, Package } from '../../ordering/packages.js';
import { ZipWriter } from '../../snapshots/archive/zip-writer.js';
import type { Body } from './body.js';
import { badRequest } from './errors.js';
import { placesWire, readPlaces } from './package-places.js';
import {
  booleanMember,
  integerMember,
  listMember,
  member,
  objectMember,
  required,
  textMember,
} from './values.js';

/** Name of the collection -> what a document of it says it is. */
export const FORMS: Readonly<Record<string, string>> = {
  actions: 'action',
  'server-actions': 'server-action',
  'service-actions': 'service-action',
  'resource-actions': 'service-action',
  'orchestration-actions': 'orchestration-action',
  blueprints: 'blueprint',
  rules: 'rule',
};
const USED_ON = {
  'server-action': 'server',
  'service-action': 'resource',
  'orchestration-action': 'trigger',
} as const;

export const PACKAGE_LIMITS = {
  archiveBytes: 4 * 1024 * 1024,
  expandedBytes: 16 * 1024 * 1024,
  ratio: 200,
  ratioFloorBytes: 1024 * 1024,
  entries: 200,
  entryBytes: 2 * 1024 * 1024,
  pathBytes: 512,
};

/** The zip, and what it is called. */
export async function packed(form: string, given: Package): Promise<{ name: string; bytes: Buffer }> {
  const { document, scripts } = described(form, given);
  const name =
    String(document.name)
      .replace(/[^\w .()-]/g, '_')
      .trim()
      .slice(0, 100) || form;
  const zip = new ZipWriter();
  const chunks: Buffer[] = [];
  const add = async (path: string, text: string) => {
    const content = (async function* () {
      yield Buffer.from(text);
    })();
    for await (const chunk of zip.entry(path, content)) chunks.push(chunk);
  };
  await add(`${name}/${name}.json`, `${JSON.stringify(document, null, 2)}\n`);
  for (const [path, source] of scripts) await add(`${name}/${path}`, source);
  for await (const chunk of zip.end()) chunks.push(chunk);
  return { name, bytes: Buffer.concat(chunks) };
}

function described(
  form: string,
  given: Package,
): { document: Record<string, unknown>; scripts: Map<string, string> } {
  const scripts = new Map<string, string>();
  const action = (each: NewAction | null): JsonObject | null => {
    if (each === null) return null;
    const path = `scripts/${each.name.replace(/[^\w.-]/g, '_').slice(0, 100)}/${scriptName(each)}`;
    const unique = scripts.has(path) ? path.replace('scripts/', `scripts/${scripts.size}-`) : path;
    if ((each.source ?? '') !== '') scripts.set(unique, each.source!);
    return {
      name: each.name,
      'global-id': `OHK-${each.code}`,
      description: each.description ?? '',
      type: each.kind,
      shared: each.shared ?? true,
      'script-filename': each.scriptFilename ?? '',
      ...((each.source ?? '') === '' ? {} : { script: unique }),
      settings: each.settings ?? {},
      inputs: (each.inputs ?? []) as never,
    };
  };
  const head = { 'package-form': form, 'package-version': 1 };
  switch (given.kind) {
    case 'action':
      return { document: { ...head, ...action(given.action)! }, scripts };
    case 'use': {
      const { label, code, ...use } = given.use;
      const document = {
        ...head,
        name: label,
        code,
        description: use.description ?? '',
        enabled: use.enabled ?? true,
        'requires-approval': use.requiresApproval ?? false,
        'is-synchronous': use.synchronous ?? false,
        dangerous: use.dangerous ?? false,
        sequence: use.position ?? 0,
        ...(given.usedOn === 'trigger' ? { 'trigger-point': use.triggerPoint ?? '' } : {}),
        action: action(given.action),
      };
      return { document, scripts };
    }
    case 'rule':
      return {
        document: {
          ...head,
          ...given.rule,
          condition: action(given.condition),
          action: action(given.action),
        },
        scripts,
      };
    default: {
      const { offer } = given;
      const document = {
        ...head,
        name: offer.name,
        'global-id': `BP-${offer.code}`,
        description: offer.description ?? '',
        sequence: offer.position ?? 0,
        icon: offer.icon ?? '',
        'is-orderable': offer.orderable ?? true,
        'any-group-can-deploy': offer.anyGroup ?? false,
        'uploaded-blueprint': given.blueprint,
        'resource-type': given.resourceType,
        parameters: offer.parameters ?? [],
        'build-items': given.items.map((item) => ({ ...item, action: item.action })),
        actions: given.actions.map((each) => action(each)),
        ...(given.places === null ? {} : { 'instance-specific-info': placesWire(given.places) }),
      };
      return { document, scripts };
    }
  }
}

function scriptName({ scriptFilename = '', kind }: NewAction): string {
  return scriptFilename.replace(/[^\w.-]/g, '_').slice(0, 100) || `${kind}.txt`;
}

/** @throws DomainError of the archive; CloudBoltError 400 that says what is wrong with the document */
export async function unpacked(bytes: Buffer, form: string): Promise<Package> {
  const files = new Map<string, string>();
  const archive = {
    size: bytes.length,
    async *range(start: number, end: number) {
      yield bytes.subarray(start, end);
    },
  };
  await readArchive(archive, PACKAGE_LIMITS, async ({ path, content }) => {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk);
    files.set(path, Buffer.concat(chunks).toString('utf8'));
  });
  const documents = [...files].filter(([path]) => path.endsWith('.json'));
  for (const [path, text] of documents) {
    const document = readDocument(text);
    if (document !== null && member(document, 'package-form') !== undefined) {
      const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
      return read(document, form, (script) => files.get(folder + script) ?? null);
    }
  }
  throw badRequest('The zip holds no document that was exported from here');
}

function readDocument(text: string): Body | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : null;
  } catch {
    return null;
  }
}

type Script = (path: string) => string | null;

function read(document: Body, form: string, script: Script): Package {
  const said = textMember(document, 'package-form');
  if (said !== form) throw badRequest(`The zip holds a ${said}, not a ${form}`);
  const action = (name: string) => {
    const found = objectMember(document, name);
    return found === undefined ? null : readAction(found, script);
  };
  if (form === 'action') return { kind: 'action', action: readAction(document, script) };
  if (form === 'rule') {
    const rule = {
      name: required('name', textMember(document, 'name')),
      description: textMember(document, 'description') ?? '',
      enabled: booleanMember(document, 'enabled') ?? true,
      schedule: textMember(document, 'schedule') ?? null,
    };
    return { kind: 'rule', rule, condition: action('condition'), action: action('action') };
  }
  if (form === 'blueprint') return readOffer(document, script);
  const usedOn = USED_ON[form as keyof typeof USED_ON];
  const code = codeOf(textMember(document, 'code'));
  return {
    kind: 'use',
    usedOn,
    action: required('action', action('action') ?? undefined),
    use: {
      label: required('name', textMember(document, 'name')),
      description: textMember(document, 'description') ?? '',
      enabled: booleanMember(document, 'enabled') ?? true,
      requiresApproval: booleanMember(document, 'requires-approval') ?? false,
      synchronous: booleanMember(document, 'is-synchronous') ?? false,
      dangerous: booleanMember(document, 'dangerous') ?? false,
      position: integerMember(document, 'sequence') ?? 0,
      triggerPoint:
        usedOn === 'trigger' ? required('trigger-point', textMember(document, 'trigger-point')) : null,
      ...(code === undefined ? {} : { code }),
    },
  };
}

function readAction(body: Body, script: Script): NewAction {
  const kind = required('type', textMember(body, 'type'));
  if (!(ACTION_KINDS as readonly string[]).includes(kind)) {
    throw badRequest(`Invalid value for 'type': it should be one of ${ACTION_KINDS.join(', ')}`);
  }
  const path = textMember(body, 'script');
  const source = path === undefined ? '' : script(path);
  if (source === null) throw badRequest(`The zip lacks ${path!.slice(0, 200)}`);
  const code = codeOf(textMember(body, 'global-id')?.replace(/^OHK-/, ''));
  return {
    name: required('name', textMember(body, 'name')),
    description: textMember(body, 'description') ?? '',
    kind: kind as ActionKind,
    shared: booleanMember(body, 'shared') ?? true,
    scriptFilename: textMember(body, 'script-filename') ?? '',
    source,
    settings: (objectMember(body, 'settings') ?? {}) as JsonObject,
    inputs: (listMember(body, 'inputs', 100) ?? []).map(readInput),
    ...(code === undefined ? {} : { code }),
  };
}

function readInput(given: unknown): NonNullable<NewAction['inputs']>[number] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw badRequest(`Invalid value for 'inputs': it should be a list of objects`);
  }
  const body = given as Body;
  const name = required('inputs.name', textMember(body, 'name'));
  return {
    name,
    label: textMember(body, 'label') ?? name,
    description: textMember(body, 'description') ?? '',
    type: textMember(body, 'type') ?? 'STR',
    required: booleanMember(body, 'required') ?? false,
    options: (listMember(body, 'options') ?? null) as never,
    constraints: (objectMember(body, 'constraints') ?? {}) as JsonObject,
    default: (member(body, 'default') ?? null) as never,
  };
}

function readOffer(document: Body, script: Script): Package {
  const objects = (name: string) =>
    (listMember(document, name, 100) ?? []).map((each) => {
      if (typeof each === 'object' && each !== null && !Array.isArray(each)) return each as Body;
      throw badRequest(`Invalid value for '${name}': it should be a list of objects`);
    });
  const type = objectMember(document, 'resource-type');
  const code = codeOf(textMember(document, 'global-id')?.replace(/^BP-/, ''));
  const lifecycle = type === undefined ? undefined : listMember(type, 'lifecycle', 50);
  return {
    kind: 'offer',
    offer: {
      name: required('name', textMember(document, 'name')),
      description: textMember(document, 'description') ?? '',
      position: integerMember(document, 'sequence') ?? 0,
      icon: textMember(document, 'icon') ?? '',
      orderable: booleanMember(document, 'is-orderable') ?? true,
      anyGroup: booleanMember(document, 'any-group-can-deploy') ?? false,
      parameters: objects('parameters').map(readInput),
      ...(code === undefined ? {} : { code }),
    },
    resourceType:
      type === undefined
        ? null
        : {
            name: required('resource-type.name', textMember(type, 'name')),
            label: textMember(type, 'label') ?? required('resource-type.name', textMember(type, 'name')),
            icon: textMember(type, 'icon') ?? '',
            ...(lifecycle === undefined
              ? {}
              : { lifecycle: lifecycle.filter((each) => typeof each === 'string') }),
          },
    blueprint: textMember(document, 'uploaded-blueprint') ?? null,
    items: objects('build-items').map(readItem),
    actions: objects('actions').map((each) => readAction(each, script)),
    places: readPlaces(document),
  };
}

const ITEM_KINDS = ['server', 'action'] as const;
const PHASES = ['build', 'manage', 'teardown'] as const;

function readItem(body: Body): CarriedItem {
  const name = required('build-items.name', textMember(body, 'name'));
  const kind = ITEM_KINDS.find((each) => each === textMember(body, 'kind'));
  if (kind === undefined) throw badRequest(`Item '${name}' should be of kind ${ITEM_KINDS.join(' or ')}`);
  const phase = PHASES.find((each) => each === (textMember(body, 'phase') ?? 'build'));
  if (phase === undefined) throw badRequest(`Item '${name}' should be of phase ${PHASES.join(', ')}`);
  const action = textMember(body, 'action') ?? null;
  if ((kind === 'action') !== (action !== null)) throw badRequest(`Item '${name}' should name its action`);
  const position = integerMember(body, 'position');
  return {
    name,
    kind,
    phase,
    action,
    description: textMember(body, 'description') ?? '',
    shownOnOrderForm: booleanMember(body, 'shownOnOrderForm') ?? true,
    inParallel: booleanMember(body, 'inParallel') ?? false,
    continueOnFailure: booleanMember(body, 'continueOnFailure') ?? false,
    settings: (objectMember(body, 'settings') ?? {}) as JsonObject,
    ...(position === undefined ? {} : { position }),
  };
}

/** Eight letters and digits, or none. */
function codeOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[a-z0-9]{8}$/.test(text) ? text : undefined;
}
