/** Where in an archive the blueprint's folder is. Pure. */
import { DomainError } from '../../errors.js';
import { shown } from './limits.js';

/** What macOS puts beside the files it packs; never meant by anybody. */
export function isClutter(path: string): boolean {
  return path.startsWith('__MACOSX/') || /(^|\/)(\.DS_Store|\._[^/]*)$/.test(path);
}

/**
 * The folder that holds the main file: `''` for the archive's root, else the one top folder with its `/`.
 *
 * @param paths of all files, without clutter
 * @throws DomainError `invalid` (`archive-layout`) saying how an archive must look
 */
export function blueprintFolder(paths: readonly string[], mainFile: string): string {
  if (paths.length === 0) throw wrong('it has no files');
  if (paths.includes(mainFile)) return '';
  const tops = new Set(paths.map((path) => path.slice(0, path.indexOf('/') + 1) || path));
  const [top] = tops;
  if (tops.size === 1 && top!.endsWith('/')) {
    if (paths.includes(top! + mainFile)) return top!;
    throw wrong(
      `its folder "${shown(top!)}" has no file "${shown(mainFile)}"${hint(paths.filter((path) => path.startsWith(top!)).map((path) => path.slice(top!.length)))}`,
    );
  }
  throw wrong(
    `it holds ${some([...tops])}, and no file "${shown(mainFile)}" at its top${hint(paths)}. ` +
      'Right is one top folder with the main file in it and nothing beside, or the main file at the top',
  );
}

function hint(paths: readonly string[]): string {
  const yaml = paths.filter((path) => /^[^/]*\.ya?ml$/i.test(path));
  return yaml.length === 0 ? '' : `; it has ${some(yaml)}: name the main file`;
}

function some(names: readonly string[]): string {
  const listed = names.slice(0, 5).map((name) => `"${shown(name)}"`);
  return names.length > 5 ? `${listed.join(', ')} and ${names.length - 5} more` : listed.join(', ');
}

function wrong(what: string): DomainError {
  return new DomainError('invalid', 'archive-layout', `The archive is not laid out as a blueprint: ${what}`);
}
