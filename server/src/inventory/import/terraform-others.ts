/** Resources of Terraform's Azure and Google providers. Pure. */
import { type AccessRule, portsOf, ruleResource } from './access-rules.js';
import { Reading } from './harvested.js';
import { type Reader, references, thing } from './terraform-block.js';

const azureMachine =
  (platform: string | null): Reader =>
  (block, around) => {
    const { values } = block;
    return [
      thing(block, around, {
        type: 'instance',
        name: values.text('name'),
        region: values.text('location'),
        facts: {
          instanceId: values.text('virtual_machine_id', 'id'),
          instanceType: values.text('size', 'vm_size'),
          platform,
          publicIpAddress: values.text('public_ip_address'),
          privateIpAddress: values.text('private_ip_address'),
        },
        refersTo: references('networkinterface', values.texts('network_interface_ids')),
      }),
    ];
  };

const azureStorage: Reader = (block, around) => {
  const { values } = block;
  return [
    thing(block, around, {
      type: 'storageaccount',
      name: values.text('name'),
      region: values.text('location'),
      facts: {
        public:
          values.flag('allow_nested_items_to_be_public') ?? values.flag('allow_blob_public_access') ?? false,
        httpsOnly: values.flag('https_traffic_only_enabled') ?? values.flag('enable_https_traffic_only'),
      },
    }),
  ];
};

const azureSecurityGroup: Reader = (block, around) => {
  const { values } = block;
  const rules = values.list('security_rule').flatMap((each) => azureRules(new Reading(each)));
  const list = thing(block, around, {
    type: 'resourceaccesslist',
    name: values.text('name'),
    region: values.text('location'),
    facts: { accessListId: values.text('id'), accessListType: 'network-security-group', rules: rules.length },
  });
  return [list, ...rules.map((rule) => ruleResource(rule, list))];
};

function azureRules(values: Reading): AccessRule[] {
  const several = (one: string, many: string) => {
    const single = values.text(one);
    return single === null ? values.texts(many) : [single];
  };
  const sources = several('source_address_prefix', 'source_address_prefixes');
  const ports = several('destination_port_range', 'destination_port_ranges');
  const protocol = (values.text('protocol') ?? '*').toLowerCase();
  return sources.flatMap((source) =>
    (ports.length === 0 ? ['*'] : ports).map((range) => ({
      direction: values.text('direction') === 'Outbound' ? ('egress' as const) : ('ingress' as const),
      protocol: protocol === '*' ? '-1' : protocol,
      ...portsOf(range),
      action: values.text('access') === 'Deny' ? ('deny' as const) : ('allow' as const),
      source: source === '*' || source === 'Internet' ? '0.0.0.0/0' : source,
    })),
  );
}

/** `us-central1-a` is in `us-central1`. */
const regionOfZone = (zone: string | null) => zone?.replace(/^.*\//, '').replace(/-[a-z]$/, '') ?? null;

const googleMachine: Reader = (block, around) => {
  const { values } = block;
  const nic = values.first('network_interface');
  return [
    thing(block, around, {
      type: 'instance',
      name: values.text('name'),
      region: regionOfZone(values.text('zone')),
      facts: {
        instanceId: values.text('instance_id', 'id'),
        instanceType: values.text('machine_type'),
        state: values.text('current_status'),
        privateIpAddress: nic.text('network_ip'),
        publicIpAddress: nic.first('access_config').text('nat_ip'),
        availabilityZone: values.text('zone'),
      },
    }),
  ];
};

const googleBucket: Reader = (block, around) => {
  const { values } = block;
  return [
    thing(block, around, {
      type: 'storagecontainer',
      id: ['name', 'id'],
      name: values.text('name'),
      region: values.text('location')?.toLowerCase() ?? null,
      facts: {
        public: false,
        versioning: values.first('versioning').flag('enabled') ?? false,
        accessLogging: values.list('logging').length > 0,
      },
    }),
  ];
};

const googleFirewall: Reader = (block, around) => {
  const { values } = block;
  const direction = values.text('direction') === 'EGRESS' ? 'egress' : 'ingress';
  const sources = values.texts(direction === 'egress' ? 'destination_ranges' : 'source_ranges');
  const rules = (['allow', 'deny'] as const).flatMap((action) =>
    values.list(action).flatMap((each) => {
      const entry = new Reading(each);
      const protocol = entry.text('protocol') ?? 'all';
      const ports = entry.texts('ports');
      return (ports.length === 0 ? ['*'] : ports).flatMap((range) =>
        sources.map(
          (source): AccessRule => ({
            direction,
            protocol: protocol === 'all' ? '-1' : protocol,
            ...portsOf(range),
            action,
            source,
          }),
        ),
      );
    }),
  );
  const list = thing(block, around, {
    type: 'resourceaccesslist',
    isGlobal: true,
    name: values.text('name'),
    facts: {
      accessListId: values.text('id'),
      accessListType: 'firewall',
      networkResource: values.text('network'),
      rules: rules.length,
    },
  });
  return [list, ...rules.map((rule) => ruleResource(rule, list))];
};

export const otherReaders: Readonly<Record<string, Reader>> = {
  azurerm_linux_virtual_machine: azureMachine('linux'),
  azurerm_windows_virtual_machine: azureMachine('windows'),
  azurerm_virtual_machine: azureMachine(null),
  azurerm_storage_account: azureStorage,
  azurerm_network_security_group: azureSecurityGroup,
  google_compute_instance: googleMachine,
  google_storage_bucket: googleBucket,
  google_compute_firewall: googleFirewall,
};
