import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Harvest, UnreadableDocument } from './harvested.js';
import { readTerraformState } from './terraform-state.js';

function state(...resources: readonly object[]): object {
  return { version: 4, terraform_version: '1.9.0', resources };
}
function resource(type: string, attributes: object, name = 'one'): object {
  return { mode: 'managed', type, name, instances: [{ attributes }] };
}
function read(...resources: readonly object[]): Harvest {
  return readTerraformState(state(...resources), null);
}
/** `type region providerId` of everything. */
function ids({ resources }: Harvest): string[] {
  return resources.map(({ type, region, providerId }) => `${type} ${region} ${providerId}`);
}
function factsOf(harvest: Harvest, type: string): Readonly<Record<string, unknown>> {
  return harvest.resources.find((each) => each.type === type)?.facts ?? {};
}

describe('a state of Terraform', () => {
  test('tells instances with what they refer to, and leaves secrets behind', () => {
    const harvest = read(
      resource('aws_instance', {
        id: 'i-1',
        arn: 'arn:aws:ec2:eu-west-1:1:instance/i-1',
        instance_type: 't3.micro',
        availability_zone: 'eu-west-1b',
        subnet_id: 'subnet-1',
        vpc_security_group_ids: ['sg-1'],
        user_data: 'canary',
        password_data: 'canary',
        metadata_options: [{ http_tokens: 'required' }],
        tags_all: { Name: 'web', env: 'prod', odd: 7 },
      }),
    );
    const [one] = harvest.resources;
    assert.deepEqual(
      [one?.type, one?.region, one?.providerId, one?.name],
      ['instance', 'eu-west-1', 'i-1', 'web'],
    );
    assert.deepEqual(one?.tags, { Name: 'web', env: 'prod' });
    assert.equal(one?.nativeId, 'arn:aws:ec2:eu-west-1:1:instance/i-1');
    assert.deepEqual(one?.refersTo, [
      { type: 'privatesubnet', providerId: 'subnet-1' },
      { type: 'resourceaccesslist', providerId: 'sg-1' },
    ]);
    assert.equal(one?.facts.awsInstanceMetadataServiceV2Required, true);
    assert.ok(!JSON.stringify(harvest).includes('canary'));
  });

  test('is read in the form that `show -json` prints, modules and all', () => {
    const shown = {
      format_version: '1.0',
      values: {
        root_module: {
          resources: [
            { address: 'aws_vpc.a', mode: 'managed', type: 'aws_vpc', name: 'a', values: { id: 'vpc-1' } },
          ],
          child_modules: [
            {
              address: 'module.m',
              resources: [
                {
                  address: 'module.m.aws_thing.b',
                  mode: 'managed',
                  type: 'aws_thing',
                  name: 'b',
                  values: {},
                },
                { address: 'data.aws_ami.c', mode: 'data', type: 'aws_ami', name: 'c', values: {} },
              ],
            },
          ],
        },
      },
    };
    const harvest = readTerraformState(shown, 'eu-north-1');
    assert.deepEqual(ids(harvest), ['privatenetwork eu-north-1 vpc-1']);
    assert.deepEqual(harvest.skipped, [
      { address: 'module.m.aws_thing.b', reason: 'resources of type aws_thing are not harvested' },
    ]);
  });

  test('gives what has no id its address, with count and for_each in it', () => {
    const many = {
      mode: 'managed',
      module: 'module.net',
      type: 'aws_subnet',
      name: 's',
      instances: [
        { index_key: 0, attributes: {} },
        { index_key: 'b', attributes: {} },
      ],
    };
    assert.deepEqual(ids(read(many)), [
      'privatesubnet global module.net.aws_subnet.s[0]',
      'privatesubnet global module.net.aws_subnet.s["b"]',
    ]);
  });

  for (const [what, bucket, sides, isPublic] of [
    ['nothing said', {}, [], false],
    ['a public ACL', { acl: 'public-read-write' }, [], true],
    ['a public ACL beside it', {}, [['aws_s3_bucket_acl', { acl: 'public-read' }]], true],
    [
      'a public ACL that is held back',
      { acl: 'public-read' },
      [['aws_s3_bucket_public_access_block', { ignore_public_acls: true }]],
      false,
    ],
    [
      'a block that blocks nothing',
      { acl: 'public-read' },
      [['aws_s3_bucket_public_access_block', { ignore_public_acls: false }]],
      true,
    ],
    [
      'a policy for everybody',
      {},
      [['aws_s3_bucket_policy', { policy: '{"Statement":{"Effect":"Allow","Principal":{"AWS":["*"]}}}' }]],
      true,
    ],
    [
      'a policy for everybody from one place',
      {
        policy:
          '{"Statement":[{"Effect":"Allow","Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}',
      },
      [],
      false,
    ],
    ['a private ACL', { acl: 'private' }, [], false],
  ] as const) {
    test(`finds a bucket ${isPublic ? 'public' : 'not public'} by ${what}`, () => {
      const harvest = read(
        resource('aws_s3_bucket', { id: 'b', bucket: 'b', ...bucket }),
        ...sides.map(([type, attributes]) => resource(type, { bucket: 'b', ...attributes })),
      );
      assert.equal(factsOf(harvest, 'storagecontainer').public, isPublic);
      assert.deepEqual([harvest.resources.length, harvest.skipped.length], [1, 0]);
    });
  }

  test('takes encryption and versioning of a bucket from where newer providers keep them', () => {
    const facts = factsOf(
      read(
        resource('aws_s3_bucket', { bucket: 'b' }),
        resource('aws_s3_bucket_versioning', {
          bucket: 'b',
          versioning_configuration: [{ status: 'Enabled' }],
        }),
        resource('aws_s3_bucket_server_side_encryption_configuration', { bucket: 'b', rule: [{}] }),
      ),
      'storagecontainer',
    );
    assert.deepEqual([facts.versioning, facts.encrypted, facts.accessLogging], [true, true, false]);
  });

  test('makes one rule of each network, and of a rule that stands in its list and beside it one', () => {
    const open = { from_port: 22, to_port: 22, protocol: 'tcp', cidr_blocks: ['0.0.0.0/0', '10.0.0.0/8'] };
    const harvest = read(
      resource('aws_security_group', {
        id: 'sg-1',
        arn: 'arn:aws:ec2:us-east-1:1:security-group/sg-1',
        ingress: [open],
        egress: [{ from_port: 0, to_port: 0, protocol: '-1', cidr_blocks: ['0.0.0.0/0'] }],
      }),
      resource('aws_security_group_rule', {
        id: 'sgrule-1',
        type: 'ingress',
        security_group_id: 'sg-1',
        region: 'us-east-1',
        ...open,
      }),
    );
    assert.deepEqual(ids(harvest), [
      'resourceaccesslist us-east-1 sg-1',
      'resourceaccesslistrule us-east-1 sg-1.ingress.allow.tcp.22-22.0.0.0.0_0',
      'resourceaccesslistrule us-east-1 sg-1.ingress.allow.tcp.22-22.10.0.0.0_8',
      'resourceaccesslistrule us-east-1 sg-1.egress.allow.-1.any.0.0.0.0_0',
    ]);
  });

  test('reads Azure and Google', () => {
    const harvest = read(
      resource('azurerm_linux_virtual_machine', {
        id: '/subscriptions/1/vm',
        name: 'vm',
        location: 'westeurope',
        size: 'B1',
      }),
      resource('azurerm_network_security_group', {
        id: '/nsg',
        location: 'westeurope',
        security_rule: [
          {
            direction: 'Inbound',
            access: 'Deny',
            protocol: '*',
            source_address_prefix: '*',
            destination_port_range: '1-9',
          },
        ],
      }),
      resource('google_storage_bucket', { id: 'g', name: 'g', location: 'EU' }),
      resource('google_compute_firewall', {
        id: 'fw',
        source_ranges: ['0.0.0.0/0'],
        allow: [{ protocol: 'tcp', ports: ['22', '80-90'] }],
      }),
    );
    assert.deepEqual(ids(harvest), [
      'instance westeurope /subscriptions/1/vm',
      'resourceaccesslist westeurope /nsg',
      'resourceaccesslistrule westeurope _nsg.ingress.deny.-1.1-9.0.0.0.0_0',
      'storagecontainer eu g',
      'resourceaccesslist global fw',
      'resourceaccesslistrule global fw.ingress.allow.tcp.22-22.0.0.0.0_0',
      'resourceaccesslistrule global fw.ingress.allow.tcp.80-90.0.0.0.0_0',
    ]);
  });

  for (const [what, document] of [
    ['a list', []],
    ['nothing', null],
    ['an old version', { version: 3, modules: [] }],
  ] as const) {
    test(`is refused where it is ${what}`, () => {
      assert.throws(() => readTerraformState(document, null), UnreadableDocument);
    });
  }

  test('never breaks the reader, whatever stands where', () => {
    const types = [
      'aws_instance',
      'aws_s3_bucket',
      'aws_security_group',
      'google_compute_firewall',
      'toString',
    ];
    const names = [
      'id',
      'bucket',
      'ingress',
      'tags',
      'policy',
      'allow',
      'ports',
      'cidr_blocks',
      'arn',
      '__proto__',
    ];
    const attributes = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
    fc.assert(
      fc.property(fc.constantFrom(...types), attributes, fc.jsonValue(), (type, values, other) => {
        const harvest = read(resource(type, values), resource(type, other as object, 'two'));
        for (const each of harvest.resources) {
          assert.ok(each.providerId.length >= 1 && each.providerId.length <= 512);
          assert.ok(each.region.length >= 1 && each.region.length <= 128);
        }
      }),
      { numRuns: 300 },
    );
  });
});
