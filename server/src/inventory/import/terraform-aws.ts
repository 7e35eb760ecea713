/** Resources of Terraform's AWS provider. Pure. */
import { type AccessRule, ruleResource } from './access-rules.js';
import type { Reading } from './harvested.js';
import { Reading as Values } from './harvested.js';
import { grantsAll, isOpenToAll } from './policy.js';
import { type Block, type Reader, references, type Sides, thing } from './terraform-block.js';

const side = (sides: Sides, type: string, owner: string | null): Reading | null =>
  owner === null ? null : (sides.get(`${type} ${owner}`)?.[0] ?? null);

const instance: Reader = (block, around) => {
  const { values } = block;
  const options = values.first('metadata_options');
  const tokens = options.text('http_tokens');
  return [
    thing(block, around, {
      type: 'instance',
      facts: {
        instanceId: values.text('id'),
        instanceType: values.text('instance_type'),
        state: values.text('instance_state'),
        imageId: values.text('ami'),
        publicIpAddress: values.text('public_ip'),
        privateIpAddress: values.text('private_ip'),
        subnetResource: values.text('subnet_id'),
        keyName: values.text('key_name'),
        roleName: values.text('iam_instance_profile'),
        cores: values.integer('cpu_core_count'),
        detailedMonitoring: values.flag('monitoring'),
        availabilityZone: values.text('availability_zone'),
        awsInstanceMetadataServiceV2Required: tokens === null ? null : tokens === 'required',
      },
      refersTo: [
        ...references('privatesubnet', [values.text('subnet_id')]),
        ...references('resourceaccesslist', values.texts('vpc_security_group_ids')),
        ...references('volume', [values.first('root_block_device').text('volume_id')]),
        ...references(
          'volume',
          values.list('ebs_block_device').map((each) => new Values(each).text('volume_id')),
        ),
      ],
    }),
  ];
};

const volume: Reader = (block, around) => {
  const { values } = block;
  const attachment = side(around.sides, 'aws_volume_attachment', values.text('id'));
  return [
    thing(block, around, {
      type: 'volume',
      facts: {
        volumeId: values.text('id'),
        volumeType: values.text('type'),
        size: values.integer('size'),
        encrypted: values.flag('encrypted'),
        availabilityZone: values.text('availability_zone'),
        attachState: attachment === null ? null : 'attached',
        instanceAssociation: attachment?.text('instance_id') ?? null,
      },
      refersTo: references('instance', [attachment?.text('instance_id') ?? null]),
    }),
  ];
};

/** Public is what lets anybody read and is not held back by a block of public access; what is not said is not public. */
const bucket: Reader = (block, around) => {
  const { values } = block;
  const name = values.text('bucket', 'id');
  const aside = (type: string) => side(around.sides, `aws_s3_bucket_${type}`, name);
  const barrier = aside('public_access_block');
  const acl = aside('acl')?.text('acl') ?? values.text('acl') ?? '';
  const policy = aside('policy')?.text('policy') ?? values.text('policy');
  const byAcl =
    acl.startsWith('public-read') && !barred(barrier, ['block_public_acls', 'ignore_public_acls']);
  const byPolicy =
    isOpenToAll(policy) && !barred(barrier, ['block_public_policy', 'restrict_public_buckets']);
  const versioning = aside('versioning')?.first('versioning_configuration').text('status');
  const encryption = aside('server_side_encryption_configuration')?.list('rule') ?? [];
  return [
    thing(block, around, {
      type: 'storagecontainer',
      id: ['bucket', 'id'],
      name,
      facts: {
        public: byAcl || byPolicy,
        encrypted: encryption.length > 0 || values.list('server_side_encryption_configuration').length > 0,
        versioning:
          versioning === undefined || versioning === null
            ? (values.first('versioning').flag('enabled') ?? false)
            : versioning === 'Enabled',
        accessLogging: aside('logging') !== null || values.list('logging').length > 0,
        policy,
      },
    }),
  ];
};

function barred(barrier: Reading | null, flags: readonly string[]): boolean {
  return barrier !== null && flags.some((flag) => barrier.flag(flag) === true);
}

const securityGroup: Reader = (block, around) => {
  const { values } = block;
  const rules = (['ingress', 'egress'] as const).flatMap((direction) =>
    values.list(direction).flatMap((each) => rulesOf(new Values(each), direction)),
  );
  const list = thing(block, around, {
    type: 'resourceaccesslist',
    name: values.text('name'),
    facts: {
      accessListId: values.text('id'),
      accessListType: 'security-group',
      networkResource: values.text('vpc_id'),
      rules: rules.length,
    },
    refersTo: references('privatenetwork', [values.text('vpc_id')]),
  });
  return [list, ...rules.map((rule) => ruleResource(rule, list))];
};

const securityGroupRule: Reader = (block, around) => {
  const { values } = block;
  const direction = values.text('type') === 'egress' ? 'egress' : 'ingress';
  return looseRules(block, around, rulesOf(values, direction));
};

const networkRule =
  (direction: 'ingress' | 'egress'): Reader =>
  (block, around) => {
    const { values } = block;
    const source = values.text('cidr_ipv4', 'cidr_ipv6', 'referenced_security_group_id');
    const rule = ruleOf(values, direction, 'ip_protocol');
    return looseRules(block, around, source === null ? [] : [{ ...rule, source }]);
  };

/** Rules that stand beside their list. */
const looseRules = (block: Block, around: Parameters<Reader>[1], rules: readonly AccessRule[]) => {
  const providerId = block.values.text('security_group_id');
  if (providerId === null) return null;
  const { region } = thing(block, around, { type: 'resourceaccesslistrule', facts: {} });
  return rules.map((rule) => ruleResource(rule, { providerId, region, name: providerId }));
};

function rulesOf(values: Reading, direction: 'ingress' | 'egress'): AccessRule[] {
  const others = [...values.texts('security_groups'), values.text('source_security_group_id')];
  const sources = [...values.texts('cidr_blocks'), ...values.texts('ipv6_cidr_blocks'), ...others];
  const rule = ruleOf(values, direction, 'protocol');
  return sources.flatMap((source) => (source === null ? [] : [{ ...rule, source }]));
}

function ruleOf(
  values: Reading,
  direction: 'ingress' | 'egress',
  protocol: string,
): Omit<AccessRule, 'source'> {
  const kind = values.text(protocol) ?? '-1';
  const all = kind === '-1' || kind === 'all';
  return {
    direction,
    protocol: all ? '-1' : kind,
    from: all ? null : values.integer('from_port'),
    to: all ? null : values.integer('to_port'),
    action: 'allow',
  };
}

const network: Reader = (block, around) => [
  thing(block, around, {
    type: 'privatenetwork',
    facts: {
      networkId: block.values.text('id'),
      cidr: block.values.text('cidr_block'),
      isDefault: block.values.flag('is_default'),
    },
  }),
];

const subnet: Reader = (block, around) => [
  thing(block, around, {
    type: 'privatesubnet',
    facts: {
      cidr: block.values.text('cidr_block'),
      networkResource: block.values.text('vpc_id'),
      availabilityZone: block.values.text('availability_zone'),
      publicOnLaunch: block.values.flag('map_public_ip_on_launch'),
    },
    refersTo: references('privatenetwork', [block.values.text('vpc_id')]),
  }),
];

const database: Reader = (block, around) => {
  const { values } = block;
  return [
    thing(block, around, {
      type: 'dbinstance',
      id: ['identifier', 'id'],
      name: values.text('identifier'),
      facts: {
        engine: values.text('engine'),
        engineVersion: values.text('engine_version_actual', 'engine_version'),
        instanceClass: values.text('instance_class'),
        encrypted: values.flag('storage_encrypted'),
        publiclyAccessible: values.flag('publicly_accessible'),
        multiAz: values.flag('multi_az'),
        backupRetentionPeriod: values.integer('backup_retention_period'),
        state: values.text('status'),
      },
      refersTo: references('resourceaccesslist', values.texts('vpc_security_group_ids')),
    }),
  ];
};

const user: Reader = (block, around) => [
  thing(block, around, { type: 'serviceuser', isGlobal: true, id: ['name', 'id'], facts: {} }),
];

const role: Reader = (block, around) => [
  thing(block, around, {
    type: 'servicerole',
    isGlobal: true,
    id: ['name', 'id'],
    facts: { trustPolicy: block.values.text('assume_role_policy') },
    createdAt: block.values.text('create_date'),
  }),
];

const policy: Reader = (block, around) => {
  const { values } = block;
  const document = values.text('policy');
  return [
    thing(block, around, {
      type: 'servicepolicy',
      isGlobal: true,
      id: ['arn', 'id'],
      name: values.text('name'),
      facts: {
        document,
        attachmentCount: values.integer('attachment_count'),
        grantsAdmin: grantsAll(document),
      },
    }),
  ];
};

const accessKey: Reader = (block, around) => [
  thing(block, around, {
    type: 'serviceaccesskey',
    isGlobal: true,
    facts: { status: block.values.text('status'), createDate: block.values.text('create_date') },
    refersTo: references('serviceuser', [block.values.text('user')]),
    createdAt: block.values.text('create_date'),
  }),
];

const loadBalancer: Reader = (block, around) => {
  const { values } = block;
  const internal = values.flag('internal');
  return [
    thing(block, around, {
      type: 'loadbalancer',
      id: ['arn', 'id'],
      name: values.text('name'),
      facts: {
        scheme: internal === null ? null : internal ? 'internal' : 'internet-facing',
        listeners: values.get('listener') === undefined ? null : values.list('listener').length,
      },
      refersTo: references('resourceaccesslist', values.texts('security_groups')),
    }),
  ];
};

const serverlessFunction: Reader = (block, around) => [
  thing(block, around, {
    type: 'serverlessfunction',
    id: ['function_name', 'id'],
    name: block.values.text('function_name'),
    facts: { runtime: block.values.text('runtime') },
  }),
];

const encryptionKey: Reader = (block, around) => [
  thing(block, around, {
    type: 'serviceencryptionkey',
    id: ['key_id', 'id'],
    facts: { rotationEnabled: block.values.flag('enable_key_rotation') },
  }),
];

export const awsReaders: Readonly<Record<string, Reader>> = {
  aws_instance: instance,
  aws_ebs_volume: volume,
  aws_s3_bucket: bucket,
  aws_security_group: securityGroup,
  aws_default_security_group: securityGroup,
  aws_security_group_rule: securityGroupRule,
  aws_vpc_security_group_ingress_rule: networkRule('ingress'),
  aws_vpc_security_group_egress_rule: networkRule('egress'),
  aws_vpc: network,
  aws_subnet: subnet,
  aws_db_instance: database,
  aws_iam_user: user,
  aws_iam_role: role,
  aws_iam_policy: policy,
  aws_iam_access_key: accessKey,
  aws_lb: loadBalancer,
  aws_alb: loadBalancer,
  aws_elb: loadBalancer,
  aws_lambda_function: serverlessFunction,
  aws_kms_key: encryptionKey,
};
