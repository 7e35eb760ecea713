/** `upload_resources`: what old command lines uploaded beside a blueprint. Looked at, told of, and never acted on. */
import { isObject } from '../../json.js';
import { dict, items, list, record, type Shape, text } from '../shape.js';

const fields: Shape = record({
  plugin_resources: { shape: list },
  dsl_resources: {
    shape: items(
      record({
        source_path: { shape: text, required: true },
        destination_path: { shape: text, required: true },
      }),
    ),
  },
  parameters: { shape: dict },
});

const INSTEAD: Readonly<Record<string, string>> = {
  plugin_resources: 'upload the plugins themselves before the blueprint',
  dsl_resources: "put the files into the blueprint's archive, or import them by URL",
};

export const uploadsShape: Shape = (value, place, check) => {
  fields(value, place, check);
  if (!isObject(value)) return;
  for (const [key, instead] of Object.entries(INSTEAD)) {
    const named = value[key];
    if (!Array.isArray(named) || named.length === 0) continue;
    check.report.warning(place.at(key), `Nothing is uploaded from '${key}': ${instead}`);
  }
};
