/**
 * Who knows about agents: what credentials they have, whether they are there. The engine's dispatching does; this plugin knows
 * operations, hosts and how to reach them.
 */
import type { Allowlist } from '../../net/allowlist.js';

/** The host that an agent is on. */
export interface AgentHost {
  /** Name of the tenant. */
  readonly tenant: string;
  /** Id of the host's node instance; the agent's name too. */
  readonly instance: string;
}

/** As Cloudify's clients know them. */
export type AgentState =
  | 'creating'
  | 'created'
  | 'starting'
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'deleting'
  | 'deleted'
  | 'restarting'
  | 'failed';

/** What an agent needs to come in, told once. */
export interface Enrolment {
  /** Of the agent and of its folder on the host; the pool it serves. */
  readonly name: string;
  /** Of the API, as the host reaches it. */
  readonly url: string;
  readonly token: string;
  /** PEM of the authority that has signed the API's certificate; null: one that everybody knows. */
  readonly certificate: string | null;
  /** SHA-256 of the program, in hexadecimal. */
  readonly program: string;
}

/** Where the API is, instead of what the installation says: the host of its URL, a certificate (PEM). */
export interface AgentAddress {
  readonly host?: string;
  readonly certificate?: string;
}

/** A sign of life. */
export interface AgentSign {
  readonly version: string;
  readonly system: string;
}

export interface AgentFacts {
  readonly state: AgentState;
  /** Absent: as it was. */
  readonly ip?: string;
  readonly installMethod?: string;
  readonly sign?: AgentSign;
}

/** How hosts may be spoken to over SSH. */
export interface Reaching {
  readonly allowlist: Allowlist;
  readonly hostKeys: HostKeys;
}

/**
 * What to think of a host whose key nobody has told: `pinned`, it is not spoken to; `first`, the key that it shows first is
 * remembered, and is the only one from then on.
 */
export type HostKeys = 'pinned' | 'first';

export interface AgentKeeper {
  readonly reaching: Reaching;
  /**
   * New credentials; those that the host had are good no longer.
   *
   * @throws DomainError `invalid` (`agent-url-missing`, `agent-url-illegal`); `not-found` (node instance)
   */
  enrol(host: AgentHost, address?: AgentAddress): Promise<Enrolment>;
  /** Writes down how the agent is. */
  note(host: AgentHost, facts: AgentFacts): Promise<void>;
  /** Whether somebody could come in as this host's agent. */
  isEnrolled(host: AgentHost): Promise<boolean>;
  /** The next sign of life from now on; null: none within so many seconds. */
  sign(host: AgentHost, seconds: number, signal: AbortSignal): Promise<AgentSign | null>;
  /** Whoever comes as this host's agent is refused from now on, and ends. */
  revoke(host: AgentHost): Promise<void>;
}
