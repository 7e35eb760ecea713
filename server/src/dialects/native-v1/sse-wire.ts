/**
 * An answer that stays open, as `text/event-stream`.
 *
 * It says that the connection ends with the answer instead of cutting it into chunks, so that the same bytes go to every
 * client as they are.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { LITTLE_PENDING, type Wire } from '../../streaming/follower.js';

const LOOK_AGAIN_MS = 20;

export function openWire(reply: FastifyReply): Wire {
  reply.hijack();
  const { raw } = reply;
  raw.useChunkedEncodingByDefault = false;
  raw.shouldKeepAlive = false;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    // Proxies that gather answers (nginx) are told not to.
    'x-accel-buffering': 'no',
  });
  raw.flushHeaders();
  raw.socket?.setNoDelay(true);
  raw.socket?.setKeepAlive(true, 30_000);
  // Told again as its end; without a listener Node would end the process.
  raw.on('error', () => {});
  return {
    get pending() {
      return raw.writableLength;
    },
    write(chunk) {
      if (!raw.destroyed) raw.write(chunk);
    },
    async drained() {
      // Node tells of an empty buffer only where it was full before.
      while (!raw.destroyed && raw.writableLength >= LITTLE_PENDING) await delay(LOOK_AGAIN_MS);
    },
    end() {
      raw.end();
      // A reader that takes nothing would keep the connection for ever.
      setTimeout(() => raw.destroy(), 5000).unref();
    },
    onClose(told) {
      raw.on('close', told);
    },
  };
}
