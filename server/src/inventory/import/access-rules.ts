/** Rules of access lists, one for each network they name. Pure. */
import { type Harvested, known } from './harvested.js';

export interface AccessRule {
  readonly direction: 'ingress' | 'egress';
  /** `tcp`, `udp`, `icmp`, `-1` for all. */
  readonly protocol: string;
  /** null: any. */
  readonly from: number | null;
  readonly to: number | null;
  readonly action: 'allow' | 'deny';
  /** A CIDR, or another list. */
  readonly source: string;
}

/** As a resource of its own, named by what it says: two that say the same are one. */
export function ruleResource(
  rule: AccessRule,
  list: Pick<Harvested, 'providerId' | 'region' | 'name'>,
): Harvested {
  const ports = rule.from === null ? 'any' : `${rule.from}-${rule.to ?? rule.from}`;
  const parts = [list.providerId, rule.direction, rule.action, rule.protocol, ports, rule.source];
  return {
    type: 'resourceaccesslistrule',
    region: list.region,
    providerId: parts.join('.').replaceAll('/', '_').slice(0, 512),
    nativeId: null,
    name: `${list.name}: ${rule.action} ${rule.direction} ${rule.protocol} ${ports} ${rule.source}`.slice(
      0,
      512,
    ),
    tags: {},
    facts: known({
      direction: rule.direction,
      ipProtocol: rule.protocol,
      sourceNetwork: rule.source,
      fromPort: rule.from,
      toPort: rule.to ?? rule.from,
      ruleAction: rule.action,
      parentResource: list.providerId,
    }),
    refersTo: [{ type: 'resourceaccesslist', providerId: list.providerId }],
    createdAt: null,
  };
}

/** `80`, `80-90`, `*` */
export function portsOf(text: string): { readonly from: number | null; readonly to: number | null } {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? [];
  return from === undefined ? { from: null, to: null } : { from: Number(from), to: Number(to ?? from) };
}
