/**
 * Counts sign-in failures per address, in this process, in fixed windows. Memory is bounded: the addresses that
 * failed longest ago are forgotten first. IPv6 counts by /64, which is what one customer gets.
 */
export interface AddressThrottleSettings {
  /** Failures allowed in one window. */
  readonly failures: number;
  readonly windowSeconds: number;
  readonly addresses: number;
}

export class AddressThrottle {
  readonly #settings: AddressThrottleSettings;
  readonly #now: () => number;
  readonly #windows = new Map<string, { failures: number; ends: number }>();

  constructor(settings: AddressThrottleSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Seconds until the address may try again; 0: now. */
  wait(address: string): number {
    const window = this.#windows.get(networkOf(address));
    if (window === undefined || window.failures < this.#settings.failures) return 0;
    return Math.max(0, Math.ceil((window.ends - this.#now()) / 1000));
  }

  failed(address: string): void {
    const network = networkOf(address);
    const now = this.#now();
    const window = this.#windows.get(network);
    this.#windows.delete(network);
    if (window !== undefined && window.ends > now) {
      window.failures++;
      this.#windows.set(network, window);
      return;
    }
    if (this.#windows.size >= this.#settings.addresses) {
      const [oldest] = this.#windows.keys();
      this.#windows.delete(oldest!);
    }
    this.#windows.set(network, { failures: 1, ends: now + this.#settings.windowSeconds * 1000 });
  }
}

/** The address itself, or the first 64 bits of an IPv6 address. Exported for its test. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  if (!address.includes(':')) return address;
  const [plain] = address.split('%');
  const [head = '', tail] = plain!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
