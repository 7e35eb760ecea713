/**
 * Four processes on one database: whatever credential is taken away through one is refused by all, within a second, and so is
 * every credential of somebody who is suspended or removed.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Caller } from '../../src/caller.js';
import type { Core } from '../../src/core.js';
import type { Authenticated, TokenKind } from '../../src/identity/callers.js';
import { aFolder, aRealServer, type RealServer } from '../support/a-real-server.js';
