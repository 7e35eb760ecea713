/**
 * The shell script that puts an agent on a host: the same whether it comes over SSH or in the host's user data. Pure.
 *
 * What always holds: it may run twice, and ends what an earlier run has started; it asks for no rights beyond the user's; what
 * it downloads comes from the API with the agent's own credentials, and the program is the one whose sum it was told. The token is
 * in a file of its user's, in no environment and on no command line. Ends with 78 where running it again would not help.
 */
import type { AgentConfig } from './agent-config.js';
import type { Enrolment } from './agent-keeper.js';

/** Of an exit: something on the host has to change first. */
export const HOPELESS = 78;
const OLDEST = [20, 19] as const;

/** Where an agent is on its host. */
export function folderOf(name: string): string {
  return `"$HOME/.orrery-agent/"${quoted(name)}`;
}

export function installScript(enrolment: Enrolment, config: AgentConfig): string {
  const { name, url, token, certificate, program } = enrolment;
  return `#!/bin/sh
# Puts the Orrery agent ${name} on this host, or puts it there again.
set -u
umask 077
HOME=\${HOME:-/root}
export HOME
fail() { echo "orrery-agent: $2" >&2; exit "$1"; }
dir=${folderOf(name)}
url=${quoted(url.replace(/\/$/, ''))}
mkdir -p "$dir/data" && cd "$dir" || fail 1 "$dir cannot be made"
if [ -f stop.sh ]; then sh ./stop.sh || fail 1 "the agent that is there cannot be ended"; fi
rm -f stopped
cat > token <<'ORRERY_END'
${token}
ORRERY_END
${certificate === null ? 'rm -f ca.pem' : `cat > ca.pem <<'ORRERY_END'\n${certificate.trim()}\nORRERY_END\nNODE_EXTRA_CA_CERTS="$dir/ca.pem"\nexport NODE_EXTRA_CA_CERTS`}
cat > agent.env <<'ORRERY_END'
${environmentOf(enrolment, config)}
ORRERY_END
cat > run.sh <<'ORRERY_END'
${RUN}
ORRERY_END
cat > stop.sh <<'ORRERY_END'
${stopScript(name)}
ORRERY_END

fits() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > ${OLDEST[0]} || (a === ${OLDEST[0]} && b >= ${OLDEST[1]}) ? 0 : 1)' 2>/dev/null
}
node=
for one in ${quoted(config.node)} node nodejs /usr/local/bin/node /usr/bin/node "$dir/node"; do
  [ -n "$one" ] && found=$(command -v "$one" 2>/dev/null) && fits "$found" && { node=$found; break; }
done
download() {
  if [ -n "$node" ]; then
    "$node" -e 'const fs = require("fs"); const [url, token, to] = process.argv.slice(1);
fetch(url, { redirect: "error", headers: { authorization: "Bearer " + fs.readFileSync(token, "utf8").trim() } })
  .then(async (answer) => { if (!answer.ok) throw new Error("the API answers " + answer.status); fs.writeFileSync(to, Buffer.from(await answer.arrayBuffer())); })
  .catch((error) => { console.error(error.message + (error.cause ? ": " + error.cause.message : "")); process.exit(1); });' "$url/orrery/v1/workers/agent/$1" token "$2"
  elif command -v curl >/dev/null 2>&1; then
    printf 'header = "Authorization: Bearer %s"\\n' "$(cat token)" | curl -fsS -K - \${NODE_EXTRA_CA_CERTS:+--cacert "$NODE_EXTRA_CA_CERTS"} -o "$2" "$url/orrery/v1/workers/agent/$1"
  elif command -v wget >/dev/null 2>&1; then
    printf 'header = Authorization: Bearer %s\\n' "$(cat token)" > wgetrc
    wget -q --config=wgetrc \${NODE_EXTRA_CA_CERTS:+--ca-certificate="$NODE_EXTRA_CA_CERTS"} -O "$2" "$url/orrery/v1/workers/agent/$1"
    code=$?
    rm -f wgetrc
    return $code
  else
    fail ${HOPELESS} "this host has neither Node ${OLDEST.join('.')} or newer, nor curl or wget to fetch it with"
  fi
}
if [ -z "$node" ]; then
  download "node?system=$(uname -s)&machine=$(uname -m)" node.new || fail ${HOPELESS} "Node ${OLDEST.join('.')} or newer is not on this host, and the API has none for it"
  chmod 700 node.new && mv -f node.new node
  fits "$dir/node" || fail ${HOPELESS} "Node ${OLDEST.join('.')} or newer is not on this host, and that of the API does not run here"
  node=$dir/node
fi
printf '%s\\n' "$node" > node.path
if [ "$(cat program.sum 2>/dev/null)" != ${program} ]; then
  download program program.new || fail 1 "the program cannot be fetched from $url"
  sum=$("$node" -e 'console.log(require("crypto").createHash("sha256").update(require("fs").readFileSync(process.argv[1])).digest("hex"))' program.new)
  [ "$sum" = ${program} ] || fail 1 "the program that came is not the one that was announced"
  rm -rf lib package.json
  gzip -dc program.new | tar xf - || fail ${HOPELESS} "the program cannot be unpacked: are gzip and tar there?"
  rm -f program.new
  printf '%s\\n' ${program} > program.sum
fi
${startScript(name)}
[ -r /etc/os-release ] && . /etc/os-release
echo "orrery-agent: started with $("$node" --version) on \${PRETTY_NAME:-$(uname -s)}"
`;
}

/** Begins what is installed. In the agent's folder. */
function startScript(name: string): string {
  return `if [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  cat > ${unitOf(name)} <<ORRERY_UNIT
[Unit]
Description=Orrery agent ${name}
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/bin/sh "$dir/run.sh"
KillMode=mixed
TimeoutStopSec=30
Restart=on-failure
RestartPreventExitStatus=3

[Install]
WantedBy=multi-user.target
ORRERY_UNIT
  systemctl daemon-reload && systemctl enable --now ${unitNameOf(name)} || fail 1 "systemd does not start the agent"
else
  nohup setsid sh "$dir/run.sh" </dev/null >/dev/null 2>&1 &
fi`;
}

/** To be run on the host: begins an agent that was stopped. */
export function startAgain(name: string): string {
  return `set -u
HOME=\${HOME:-/root}
fail() { echo "orrery-agent: $2" >&2; exit "$1"; }
dir=${folderOf(name)}
cd "$dir" 2>/dev/null && [ -f run.sh ] || fail ${HOPELESS} "no agent is installed in $dir"
sh ./stop.sh || fail 1 "the agent that is there cannot be ended"
rm -f stopped
${startScript(name)}
`;
}

/** To be run on the host: ends the agent. Nothing is wrong where there is none. */
export function stopOn(name: string): string {
  return `HOME=\${HOME:-/root}
dir=${folderOf(name)}
[ -f "$dir/stop.sh" ] || exit 0
exec sh "$dir/stop.sh"
`;
}

/** To be run on the host: ends the agent and leaves nothing of it. */
export function removeFrom(name: string): string {
  return `HOME=\${HOME:-/root}
dir=${folderOf(name)}
[ -d "$dir" ] || exit 0
[ ! -f "$dir/stop.sh" ] || sh "$dir/stop.sh" || exit 1
if [ -f ${unitOf(name)} ]; then rm -f ${unitOf(name)}; systemctl daemon-reload; fi
cd / && rm -rf "$dir"
`;
}

function environmentOf({ name, url, certificate }: Enrolment, { env, room, logLevel }: AgentConfig): string {
  const own: Record<string, string> = {
    ORRERY_ROLE: 'remote-worker',
    ORRERY_AGENT_ENVIRONMENT: Object.keys(env).join(','),
    ORRERY_URL: url.replace(/\/$/, ''),
    ORRERY_LOG_LEVEL: logLevel,
    ORRERY_LOG_TO: 'stderr',
    ...(room === null ? {} : { ORRERY_WORKER_CONCURRENCY: String(room) }),
  };
  return [
    ...Object.entries({ ...env, ...own }).map(([key, value]) => `${key}=${quoted(value)}`),
    `dir=${folderOf(name)}`,
    'ORRERY_WORKER_TOKEN_FILE="$dir/token"',
    'ORRERY_DATA_DIR="$dir/data"',
    ...(certificate === null ? [] : ['NODE_EXTRA_CA_CERTS="$dir/ca.pem"']),
  ].join('\n');
}

/** Keeps the agent running: until it is told to stop, or its credentials are good no longer (3). */
const RUN = `#!/bin/sh
umask 077
cd "$(dirname "$0")" || exit 1
set -a
. ./agent.env
set +a
echo $$ > run.pid
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; [ -z "$child" ] || wait "$child"; rm -f run.pid; exit 0' TERM INT HUP
while :; do
  [ "$(wc -c < agent.log 2>/dev/null || echo 0)" -lt 10000000 ] || mv -f agent.log agent.log.1
  "$(cat node.path)" lib/script/agent.mjs >> agent.log 2>&1 &
  child=$!
  wait "$child"
  code=$?
  child=
  if [ "$code" = 3 ]; then rm -f token run.pid; exit 3; fi
  if [ -e stopped ]; then rm -f run.pid; exit 0; fi
  sleep 1 &
  wait $!
done`;

function stopScript(name: string): string {
  return `#!/bin/sh
cd "$(dirname "$0")" || exit 1
: > stopped
if [ -f ${unitOf(name)} ]; then systemctl disable --now ${unitNameOf(name)} || exit 1; fi
pid=$(cat run.pid 2>/dev/null) || exit 0
ours() { tr '\\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF "$PWD/run.sh"; }
ours || { rm -f run.pid; exit 0; }
kill -TERM "$pid" 2>/dev/null
waited=0
while ours && [ $waited -lt 40 ]; do sleep 1; waited=$((waited + 1)); done
ours && kill -KILL -- "-$pid" 2>/dev/null
rm -f run.pid`;
}

function unitNameOf(name: string): string {
  return `orrery-${name}.service`;
}

function unitOf(name: string): string {
  return `/etc/systemd/system/${unitNameOf(name)}`;
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
