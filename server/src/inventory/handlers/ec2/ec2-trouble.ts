/** What EC2's errors mean. */
import { DomainError } from '../../../errors.js';
import { type Answer, again, refused, troubled } from '../handler.js';

/** Codes of EC2 that say "not now". */
const LATER =
  /^(Throttl\w*|RequestLimitExceeded|Unavailable|ServiceUnavailable|InternalError|InternalFailure)$/;
/** What is in the middle of something, or not yet known everywhere. */
const SOON =
  /^(IncorrectInstanceState|IncorrectState|IncorrectModificationState|VolumeModificationRateExceeded)$/;
/** Room may come. */
const MAYBE =
  /^(InsufficientInstanceCapacity|InsufficientHostCapacity|SnapshotCreationPerVolumeRateExceeded)$/;

/** What came of a request that failed. Messages of EC2 name ids and rights, never the secret. */
export function ec2Trouble(error: unknown): Answer<never> {
  if (error instanceof DomainError) return refused(error.message);
  // Of our own making.
  if (error instanceof TypeError || error instanceof ReferenceError) throw error;
  const {
    name = '',
    message = '',
    $metadata,
  } = error as {
    name?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (error instanceof Error && (name === 'AbortError' || name === 'TimeoutError')) {
    return troubled('EC2 did not answer in time');
  }
  const status = $metadata?.httpStatusCode;
  if (LATER.test(name) || status === 429 || (status ?? 0) >= 500)
    return again(5, `EC2 asks for patience: ${name}`);
  if (SOON.test(name)) return again(3, message);
  if (MAYBE.test(name)) return troubled(`${name}: ${message}`);
  const told = (error as { cause?: unknown }).cause;
  if (told instanceof DomainError) return refused(told.message);
  // Nothing answered at all: the network.
  if (status === undefined) return troubled(`EC2 cannot be reached: ${message || name}`);
  return refused(`${name}: ${message}`);
}

export function isNotFound(error: unknown): boolean {
  return /^Invalid(InstanceID|Snapshot|Volume)\.(NotFound|Malformed)$/.test(
    (error as { name?: string }).name ?? '',
  );
}
