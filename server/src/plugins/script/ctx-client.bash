# Carries the words of one `ctx` command to the worker and prints its answer. Read by bash 3.2 and later.

node_client() {
  exec "${ORRERY_NODE:-node}" "${0%/*}/ctx-client.mjs" "$@"
}

# What the words may say about the way to the worker, and help, is the other client's.
[ $# -eq 0 ] && node_client
for word in "$@"; do
  case $word in
    -t | --timeout | --timeout=* | --socket-url | --socket-url=* | -h | --help) node_client "$@" ;;
    --) break ;;
  esac
done
case $CTX_SOCKET_URL in http://*:*/*) ;; *) node_client "$@" ;; esac

# Lengths are bytes.
LC_ALL=C
trap '' PIPE
authority=${CTX_SOCKET_URL#http://}
path=/${authority#*/}
authority=${authority%%/*}
length=$#
for word in "$@"; do length=$((length + ${#word})); done

# A bash without network, or a worker that is gone: the other client can do it, or says what is wrong.
{ exec 3<>"/dev/tcp/${authority%:*}/${authority##*:}"; } 2>/dev/null || node_client "$@"
printf 'POST %s HTTP/1.0\r\nhost: %s\r\ncontent-type: application/x-ctx-words\r\ncontent-length: %d\r\n\r\n' \
  "$path" "$authority" "$length" >&3
printf '%s\0' "$@" >&3

code=1
size=0
if ! IFS= read -r -t 30 line <&3; then
  echo 'ctx: the worker gave no answer' >&2
  exit 1
fi
while IFS= read -r line <&3; do
  line=${line%$'\r'}
  case $line in
    '') break ;;
    'x-ctx-exit: '*) code=${line#*: } ;;
    'content-length: '*) size=${line#*: } ;;
  esac
done
[ "$code" -ne 0 ] && exec >&2
if [ "$size" -gt 4096 ]; then
  cat <&3
else
  # Byte by byte, but without starting a process.
  IFS= read -r -d '' body <&3
  printf '%s' "$body"
fi
exit "$code"
