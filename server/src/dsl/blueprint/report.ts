/** Collects what is wrong, with the numeric codes of the reference parser. */
import type { Diagnostic } from '../diagnostics.js';
import { meant, patience } from '../suggestion.js';
import type { Place } from './source.js';

/** Codes of the reference parser that we tell too (cloudify.md §7.4). */
export const CODE = {
  yaml: -1,
  format: 1,
  duplicateImport: 2,
  notMergeable: 3,
  mergeConflict: 4,
  unknownNodeType: 7,
  nodeImplementation: 10,
  importNotFound: 13,
  pluginExecutor: 18,
  relationshipImplementation: 19,
  workflowImplementation: 21,
  relationshipToSelf: 23,
  hostAgentWithoutHost: 24,
  unknownTarget: 25,
  unknownRelationshipType: 26,
  versionMissing: 27,
  importVersion: 28,
  operationExecutor: 28,
  versionUnknown: 29,
  groupMember: 40,
  policyType: 41,
  policyTrigger: 42,
  pluginSource: 50,
  scriptInputs: 60,
  scriptPlugin: 61,
  versionEmpty: 71,
  versionNotText: 72,
  versionFormat: 73,
  versionNumber: 75,
  ambiguousImplementation: 91,
  cycle: 100,
  illegalValue: 101,
  tooNew: 102,
  unknownType: 103,
  illegalTypeName: 104,
  valueType: 105,
  unknownProperty: 106,
  missingValue: 107,
  illegalCharacters: 108,
  twoContainers: 112,
  scalingCycle: 200,
  scalingMemberTwice: 201,
  scalingContainers: 202,
  scalingPolicyType: 204,
  scalingTarget: 205,
  scalingNoTargets: 206,
  scalingBounds: 207,
  scalingText: 208,
  scalingTwice: 209,
  scalingValue: 210,
  groupNamedAsNode: 211,
  constraintArgument: 212,
  constraintFunction: 213,
  inputValue: 214,
  namespaceFormat: 212,
  namespaceMissing: 213,
  namespaceTaken: 214,
  awaitedOperation: 215,
  hiddenInput: 215,
  inputDisplay: 216,
  itemTypeUnknown: 217,
  itemTypeWithoutList: 218,
  functionNotAllowed: 219,
  importMapping: 220,
  importProperties: 221,
} as const;

export class Report {
  private readonly errors: { diagnostic: Diagnostic; order: number }[] = [];
  private readonly warned: Diagnostic[] = [];
  private readonly fileOrder = new Map<string, number>();
  private left = 0;
  private readonly patience = patience();

  constructor(private readonly most: number) {}

  /** Something that makes the blueprint unusable. `code` null: the reference parser has none. */
  error(place: Place, code: number | null, summary: string, detail?: string): void {
    if (this.errors.length >= this.most) {
      this.left++;
      return;
    }
    const order = this.fileOrder.get(place.file.name) ?? this.fileOrder.size;
    this.fileOrder.set(place.file.name, order);
    this.errors.push({ diagnostic: diagnostic('error', place, code, summary, detail), order });
  }

  warning(place: Place, summary: string, detail?: string): void {
    if (this.warned.length < this.most) this.warned.push(diagnostic('warning', place, null, summary, detail));
  }

  /** `, did you mean 'x'?` for a name that is none of the known ones, or nothing. */
  meant(name: string, known: Iterable<string>): string {
    return this.errors.length >= this.most ? '' : meant(name, known, this.patience);
  }

  get failed(): boolean {
    return this.errors.length > 0;
  }

  /** By file in the order of discovery, then by line and column; the same thing once. */
  diagnostics(): Diagnostic[] {
    const sorted = this.errors
      .sort(
        (a, b) =>
          a.order - b.order ||
          a.diagnostic.at.line - b.diagnostic.at.line ||
          a.diagnostic.at.column - b.diagnostic.at.column,
      )
      .map((each) => each.diagnostic);
    const unique = sorted.filter((each, index) => {
      const before = sorted[index - 1];
      return before === undefined || JSON.stringify(before) !== JSON.stringify(each);
    });
    if (this.left === 0) return unique;
    const last = unique.at(-1)!;
    return [...unique, { severity: 'error', summary: `... and ${this.left} more`, at: last.at }];
  }

  warnings(): Diagnostic[] {
    return this.warned;
  }
}

function diagnostic(
  severity: 'error' | 'warning',
  place: Place,
  code: number | null,
  summary: string,
  detail: string | undefined,
): Diagnostic {
  return {
    severity,
    summary,
    ...(detail === undefined ? {} : { detail }),
    ...(code === null ? {} : { code }),
    at: place.position(),
  };
}
