// Carries the words of one `ctx` command to the worker and prints its answer: where there is no bash to do it.
// No HTTP library: it starts once per command.
import { connect } from 'node:net';

const USAGE = `Usage: ctx [-j] [-t SECONDS] [--socket-url URL] [--json-arg-prefix PREFIX] WORD…

  ctx node|instance|source|target …     ctx instance runtime-properties [PATH [VALUE]]
  ctx node properties [PATH]            ctx logger debug|info|warning|error MESSAGE
  ctx download-resource PATH [TARGET]   ctx download-resource-and-render PATH [TARGET] ['@{"name": "value"}']
  ctx get-resource PATH                 ctx returns VALUE
  ctx retry-operation [MESSAGE] [SECONDS]   ctx abort-operation [MESSAGE]
  ctx instance update | refresh         ctx send-event MESSAGE

  A VALUE that starts with @ is JSON: ctx instance runtime-properties ports '@[80, 443]'
  -j, --json-output   print the answer as JSON; else as text, and nothing when it is empty, zero or false
`;

function fail(message) {
  process.stderr.write(`ctx: ${message}\n`);
  process.exit(1);
}

const words = [];
let timeout = 30;
let address = process.env.CTX_SOCKET_URL;
const given = process.argv.slice(2);
while (given.length > 0) {
  const word = given.shift();
  const [name, inline] = word.startsWith('--') && word.includes('=') ? word.split(/=(.*)/s) : [word];
  if (word === '--') words.push(word, ...given.splice(0));
  else if (name === '-t' || name === '--timeout') timeout = Number(inline ?? given.shift());
  else if (name === '--socket-url') address = inline ?? given.shift();
  else if ((word === '-h' || word === '--help') && words.length === 0) {
    process.stdout.write(USAGE);
    process.exit(0);
  } else words.push(word);
}
if (words.length === 0) {
  process.stderr.write(USAGE);
  process.exit(2);
}
if (!(timeout > 0)) fail('--timeout needs a number of seconds');
if (!address) fail('CTX_SOCKET_URL is not set: ctx works only inside a script operation');
const url = URL.canParse(address) ? new URL(address) : fail(`"${address}" is not a URL`);

const body = Buffer.from(`${words.join('\0')}\0`);
const socket = connect({ host: url.hostname, port: Number(url.port || 80) });
socket.setTimeout(timeout * 1000, () => fail(`no answer within ${timeout} seconds`));
socket.on('error', (error) => fail(`the worker cannot be reached: ${error.message}`));
const chunks = [];
socket.on('data', (chunk) => chunks.push(chunk));
socket.on('end', () => {
  const answer = Buffer.concat(chunks);
  const split = answer.indexOf('\r\n\r\n');
  if (split === -1) fail('the worker gave no answer');
  const code = Number(/^x-ctx-exit: (\d+)$/m.exec(answer.toString('latin1', 0, split))?.[1] ?? 1);
  process.exitCode = code;
  (code === 0 ? process.stdout : process.stderr).write(answer.subarray(split + 4));
});
// HTTP/1.0: the answer is whole when the connection ends, without chunks to put together.
socket.write(
  `POST ${url.pathname} HTTP/1.0\r\nhost: ${url.host}\r\ncontent-type: application/x-ctx-words\r\n` +
    `content-length: ${body.length}\r\n\r\n`,
);
socket.write(body);
