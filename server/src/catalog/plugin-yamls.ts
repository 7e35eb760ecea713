/** Which of a plugin's YAML files speaks for it. Pure. */

interface Edition {
  readonly file: string;
  /** Of `cloudify_dsl_1_x`; null: for all of them. */
  readonly minor: number | null;
}

/** `plugin_1_4.yaml` is for `cloudify_dsl_1_4`; `plugin.yaml` for all. */
export function editionOf(file: string): number | null {
  const found = /_1_(\d{1,3})\.ya?ml$/i.exec(file);
  return found === null ? null : Number(found[1]);
}

/**
 * The file for a version of the language: its own edition, else the nearest older one, else the one for all versions.
 * Without a version the one for all, else the newest. Null where none fits.
 */
export function chooseYaml<Yaml extends Edition>(yamls: readonly Yaml[], minor: number | null): Yaml | null {
  const editions = yamls
    .filter((yaml) => yaml.minor !== null && (minor === null || yaml.minor <= minor))
    .sort((a, b) => b.minor! - a.minor! || order(a.file, b.file));
  const forAll = yamls
    .filter((yaml) => yaml.minor === null)
    .sort((a, b) => Number(isMain(b.file)) - Number(isMain(a.file)) || order(a.file, b.file));
  const [first, second] = minor === null ? [forAll, editions] : [editions, forAll];
  return first[0] ?? second[0] ?? null;
}

function isMain(file: string): boolean {
  return /plugin\.ya?ml$/i.test(file);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
