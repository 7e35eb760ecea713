#!/usr/bin/env node
// Visits the site as a browser would: the relationship stands when the greeting comes back.
import { execFileSync } from 'node:child_process';

const { url, greeting } = process.env;
const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
const page = await response.text();
const ENTITIES = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
const title = /<title>([\s\S]*?)<\/title>/.exec(page)?.[1] ?? '';
const said = title.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]);
if (!response.ok || said !== greeting) {
  throw new Error(`${url} answered ${response.status} and said "${said}" instead of "${greeting}"`);
}
console.log(`${url} answers ${response.status}: "${greeting}"`);
execFileSync('ctx', ['source', 'instance', 'runtime-properties', 'verified', '@true']);
