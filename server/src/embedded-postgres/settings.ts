/** How the embedded server is tuned, and why. Everything not listed is PostgreSQL's default. */

/** Name, value, reason. */
type Setting = readonly [name: string, value: string, reason: string];

const ALWAYS: readonly Setting[] = [
  ['listen_addresses', '', 'no network: only who may open the socket folder can connect'],
  ['unix_socket_permissions', '0700', 'the second lock behind the folder, which is 0700 too'],
  ['max_connections', '60', 'API pool 20, engine 10, notifier, listener, and room for a person looking'],
  ['shared_buffers', '128MB', 'the operating system caches the rest; a laptop should not notice us'],
  ['work_mem', '16MB', 'sorts of a page of a large list stay in memory'],
  ['maintenance_work_mem', '64MB', 'index builds in migrations'],
  ['max_wal_size', '2GB', 'an install of 10,000 instances runs through without a forced checkpoint'],
  ['min_wal_size', '256MB', 'old segments are reused: creating one costs a write of 16 MB of zeros'],
  ['checkpoint_timeout', '15min', 'fewer full-page images; recovery after a crash still takes seconds'],
  ['random_page_cost', '1.1', 'the disk is flash or cached: an index scan is not dear'],
  ['jit', 'off', 'statements take milliseconds; compiling one takes longer than running it'],
  ['max_parallel_workers_per_gather', '0', 'cores belong to concurrent requests, not to one of them'],
  ['io_method', 'sync', 'saves three idle processes; our reads are small and mostly cached'],
  ['autovacuum_naptime', '15s', 'the operation tables change quickly'],
  ['client_connection_check_interval', '5s', 'a statement whose process was killed stops holding locks'],
  ['log_line_prefix', '%m [%p] ', 'time and process'],
  ['log_timezone', 'UTC', 'one clock in all logs'],
  ['timezone', 'UTC', 'the store speaks UTC'],
];

const DURABLE: readonly Setting[] = [
  ['fsync', 'on', 'what was acknowledged survives a power cut'],
  ['synchronous_commit', 'on', 'as above; never traded for speed'],
];

const FOR_TESTS: readonly Setting[] = [
  ['fsync', 'off', 'a test database lives for seconds'],
  ['synchronous_commit', 'off', 'as above'],
  ['full_page_writes', 'off', 'as above'],
  ['max_connections', '200', 'test files run side by side, each with its pool'],
];

/** Command-line arguments of `postgres`. */
export function serverArguments(options: {
  readonly data: string;
  readonly socketFolder: string;
  readonly durable: boolean;
}): string[] {
  const settings = [...ALWAYS, ...(options.durable ? DURABLE : FOR_TESTS)];
  return [
    '-D',
    options.data,
    '-k',
    options.socketFolder,
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}
