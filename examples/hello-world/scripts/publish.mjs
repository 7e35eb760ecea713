#!/usr/bin/env node
// Writes the page with the greeting in it. Written beside and renamed, so that a visitor never gets half a page.
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ctx = (...words) => execFileSync('ctx', words, { encoding: 'utf8' });
const { folder, greeting } = process.env;

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const asHtml = (text) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]);

const values = { GREETING: greeting, DEPLOYMENT: ctx('deployment', 'id') };
const page = ctx('get-resource', 'site/index.html').replace(/GREETING|DEPLOYMENT/g, (name) =>
  asHtml(values[name]),
);

const file = join(folder, 'index.html');
writeFileSync(`${file}.new`, page);
renameSync(`${file}.new`, file);
ctx('instance', 'runtime-properties', 'page', file);
console.log(`published ${Buffer.byteLength(page)} bytes: "${greeting}"`);
