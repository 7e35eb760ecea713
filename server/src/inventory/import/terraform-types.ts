/** What each type of a Terraform provider is called here, and which of its attributes are taken. Pure. */
import type { Reading } from './harvested.js';
import { awsReaders } from './terraform-aws.js';
import type { Block, Reader, Sides } from './terraform-block.js';
import { otherReaders } from './terraform-others.js';

/** Type of a side block -> the attribute that names what it belongs to. */
const SIDES: Readonly<Record<string, string>> = {
  aws_s3_bucket_public_access_block: 'bucket',
  aws_s3_bucket_server_side_encryption_configuration: 'bucket',
  aws_s3_bucket_versioning: 'bucket',
  aws_s3_bucket_acl: 'bucket',
  aws_s3_bucket_policy: 'bucket',
  aws_s3_bucket_logging: 'bucket',
  aws_volume_attachment: 'volume_id',
};

export function withSides(blocks: readonly Block[]): Sides {
  const sides = new Map<string, Reading[]>();
  for (const { type, values } of blocks) {
    const attribute = Object.hasOwn(SIDES, type) ? SIDES[type] : undefined;
    const owner = attribute === undefined ? null : values.text(attribute);
    if (owner === null) continue;
    const key = `${type} ${owner}`;
    sides.set(key, [...(sides.get(key) ?? []), values]);
  }
  return sides;
}

export function readerFor(type: string): Reader | null {
  if (Object.hasOwn(SIDES, type)) return () => [];
  if (Object.hasOwn(awsReaders, type)) return awsReaders[type]!;
  return Object.hasOwn(otherReaders, type) ? otherReaders[type]! : null;
}

/** Every type that is read, for the documentation's test. */
export const TERRAFORM_TYPES: readonly string[] = [
  ...Object.keys(awsReaders),
  ...Object.keys(otherReaders),
  ...Object.keys(SIDES),
];
