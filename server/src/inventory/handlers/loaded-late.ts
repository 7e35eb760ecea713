/** Hands whose library is loaded when it is first needed: a server that never speaks to a cloud does not wait for its SDK. */
import type { ServerHands } from './handler.js';

export function loadedLate(load: () => Promise<ServerHands>): ServerHands {
  let loaded: Promise<ServerHands> | null = null;
  const hands = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    build: async (...asked) => (await hands()).build(...asked),
    power: async (...asked) => (await hands()).power(...asked),
    reboot: async (...asked) => (await hands()).reboot(...asked),
    resize: async (...asked) => (await hands()).resize(...asked),
    setPassword: async (...asked) => (await hands()).setPassword(...asked),
    snapshot: async (...asked) => (await hands()).snapshot(...asked),
    revert: async (...asked) => (await hands()).revert(...asked),
    deleteSnapshot: async (...asked) => (await hands()).deleteSnapshot(...asked),
    remove: async (...asked) => (await hands()).remove(...asked),
    describe: async (...asked) => (await hands()).describe(...asked),
    list: async (...asked) => (await hands()).list(...asked),
  };
}
