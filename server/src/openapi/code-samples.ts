/**
 * One request in several languages, each with what comes with the language or what everybody has there. Pure.
 *
 * Every text that is put into a sample is quoted as the language quotes texts, so that nothing in a document, whoever wrote it, can
 * become a command: a sample is made to be copied and run.
 */
import type { Call } from './call.js';
import type { Json } from './components.js';

export const LANGUAGES = [
  { id: 'curl', title: 'curl' },
  { id: 'python', title: 'Python' },
  { id: 'javascript', title: 'JavaScript' },
  { id: 'go', title: 'Go' },
  { id: 'ruby', title: 'Ruby' },
  { id: 'powershell', title: 'PowerShell' },
] as const;

export type Language = (typeof LANGUAGES)[number]['id'];

/** @param origin of the server, without a slash at the end */
export function codeSample(language: Language, call: Call, origin: string): string {
  return WRITERS[language](call, `${origin}${call.path}`).join('\n');
}

type Writer = (call: Call, url: string) => readonly string[];

const WRITERS: Readonly<Record<Language, Writer>> = {
  curl,
  python,
  javascript,
  go,
  ruby,
  powershell,
};

function curl({ method, headers, basic, body }: Call, url: string): readonly string[] {
  const parts = [
    `curl --request ${method} ${shell(url)}`,
    ...(basic === null ? [] : [`  --user ${shell(basic.join(':'))}`]),
    ...headers.map(([name, value]) => `  --header ${shell(`${name}: ${value}`)}`),
    ...(body === null
      ? []
      : body.kind === 'json'
        ? [`  --data ${shell(JSON.stringify(body.value, null, 2))}`]
        : ['  --data-binary @FILE']),
  ];
  return parts.map((part, at) => (at === parts.length - 1 ? part : `${part} \\`));
}

/** Within single quotes a shell reads everything as it stands. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function python({ method, headers, basic, body }: Call, url: string): readonly string[] {
  const own = headers.filter(([name]) => body?.kind !== 'json' || name !== 'Content-Type');
  return [
    'import requests',
    '',
    'response = requests.request(',
    `    ${quoted(method)},`,
    `    ${quoted(url)},`,
    ...(basic === null ? [] : [`    auth=(${basic.map(quoted).join(', ')}),`]),
    ...(own.length === 0
      ? []
      : [
          '    headers={',
          ...own.map(([name, value]) => `        ${quoted(name)}: ${quoted(value)},`),
          '    },',
        ]),
    ...(body === null
      ? []
      : body.kind === 'json'
        ? [`    json=${indented(pythonic(body.value), '    ')},`]
        : ['    data=open("FILE", "rb"),']),
    ')',
    'response.raise_for_status()',
    'print(response.text)',
  ];
}

/** JSON as Python writes it. */
function pythonic(value: Json, indent = ''): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  const deeper = `${indent}    `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[\n${(value as readonly Json[]).map((each) => `${deeper}${pythonic(each, deeper)},\n`).join('')}${indent}]`;
  }
  const members = Object.entries(value);
  if (members.length === 0) return '{}';
  return `{\n${members.map(([name, each]) => `${deeper}${quoted(name)}: ${pythonic(each, deeper)},\n`).join('')}${indent}}`;
}

function javascript({ method, headers, basic, body }: Call, url: string): readonly string[] {
  const all = [
    ...(basic === null ? [] : [`    Authorization: "Basic " + btoa(${quoted(basic.join(':'))}),`]),
    ...headers.map(([name, value]) => `    ${quoted(name)}: ${quoted(value)},`),
  ];
  return [
    ...(body?.kind === 'file' ? ['import { readFile } from "node:fs/promises";', ''] : []),
    `const response = await fetch(${quoted(url)}, {`,
    `  method: ${quoted(method)},`,
    ...(all.length === 0 ? [] : ['  headers: {', ...all, '  },']),
    ...(body === null
      ? []
      : body.kind === 'json'
        ? [`  body: JSON.stringify(${indented(JSON.stringify(body.value, null, 2), '  ')}),`]
        : ['  body: await readFile("FILE"),']),
    '});',
    'if (!response.ok) throw new Error(response.status + " " + (await response.text()));',
    'console.log(await response.text());',
  ];
}

function go({ method, headers, basic, body }: Call, url: string): readonly string[] {
  const reader = body === null ? 'nil' : body.kind === 'json' ? 'body' : 'file';
  const imports = [
    'fmt',
    'io',
    'net/http',
    ...(body === null ? [] : [body.kind === 'json' ? 'strings' : 'os']),
  ];
  return [
    'package main',
    '',
    'import (',
    ...imports.map((name) => `\t${quoted(name)}`),
    ')',
    '',
    'func main() {',
    ...(body?.kind === 'json' ? [`\tbody := strings.NewReader(${goText(body.value)})`] : []),
    ...(body?.kind === 'file'
      ? ['\tfile, err := os.Open("FILE")', '\tif err != nil {', '\t\tpanic(err)', '\t}']
      : []),
    `\trequest, err := http.NewRequest(${quoted(method)}, ${quoted(url)}, ${reader})`,
    '\tif err != nil {',
    '\t\tpanic(err)',
    '\t}',
    ...(basic === null ? [] : [`\trequest.SetBasicAuth(${basic.map(quoted).join(', ')})`]),
    ...headers.map(([name, value]) => `\trequest.Header.Set(${quoted(name)}, ${quoted(value)})`),
    '\tresponse, err := http.DefaultClient.Do(request)',
    '\tif err != nil {',
    '\t\tpanic(err)',
    '\t}',
    '\tdefer response.Body.Close()',
    '\ttext, err := io.ReadAll(response.Body)',
    '\tif err != nil {',
    '\t\tpanic(err)',
    '\t}',
    '\tfmt.Println(response.Status, string(text))',
    '}',
  ];
}

/** Raw where it can be, which is readable; a raw text cannot hold a backquote. */
function goText(value: Json): string {
  const text = JSON.stringify(value, null, 2);
  return text.includes('`') || text.includes('\r') ? quoted(text) : `\`${text}\``;
}

const RUBY_CLASSES: Readonly<Record<string, string>> = {
  GET: 'Get',
  PUT: 'Put',
  POST: 'Post',
  PATCH: 'Patch',
  DELETE: 'Delete',
};

function ruby({ method, headers, basic, body }: Call, url: string): readonly string[] {
  return [
    'require "net/http"',
    ...(body?.kind === 'json' ? ['require "json"'] : []),
    '',
    `uri = URI(${rubyText(url)})`,
    `request = Net::HTTP::${RUBY_CLASSES[method] ?? 'Get'}.new(uri)`,
    ...(basic === null ? [] : [`request.basic_auth(${basic.map(rubyText).join(', ')})`]),
    ...headers.map(([name, value]) => `request[${rubyText(name)}] = ${rubyText(value)}`),
    ...(body === null
      ? []
      : body.kind === 'json'
        ? [`request.body = ${rubyText(JSON.stringify(body.value))}`]
        : ['request.body = File.binread("FILE")']),
    'response = Net::HTTP.start(uri.hostname, uri.port, use_ssl: uri.scheme == "https") do |http|',
    '  http.request(request)',
    'end',
    'puts response.code, response.body',
  ];
}

/** Within single quotes Ruby knows two signs only. */
function rubyText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function powershell({ method, headers, basic, body }: Call, url: string): readonly string[] {
  const own = headers.filter(([name]) => name !== 'Content-Type');
  const type = headers.find(([name]) => name === 'Content-Type')?.[1];
  const all = [
    ...(basic === null
      ? []
      : [
          `  'Authorization' = 'Basic ' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes(${powerText(basic.join(':'))}))`,
        ]),
    ...own.map(([name, value]) => `  ${powerText(name)} = ${powerText(value)}`),
  ];
  const options = [
    `-Method ${method[0]}${method.slice(1).toLowerCase()}`,
    `-Uri ${powerText(url)}`,
    ...(all.length === 0 ? [] : ['-Headers $headers']),
    ...(type === undefined ? [] : [`-ContentType ${powerText(type)}`]),
    ...(body === null ? [] : [body.kind === 'json' ? '-Body $body' : "-InFile 'FILE'"]),
  ];
  return [
    ...(all.length === 0 ? [] : ['$headers = @{', ...all, '}']),
    ...(body?.kind === 'json' ? [`$body = ${powerText(JSON.stringify(body.value, null, 2))}`] : []),
    `Invoke-RestMethod ${options.join(' ')}`,
  ];
}

/** PowerShell ends a text at typographic quotes too, and reads two of a kind as one. */
function powerText(text: string): string {
  return `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`;
}

/** JSON's quoting, which Python, JavaScript and Go read alike. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function indented(text: string, indent: string): string {
  return text.replaceAll('\n', `\n${indent}`);
}
