/**
 * People who work on deployments of their own while processes die around them. They ask again when they hear nothing, they
 * remember what was acknowledged, and what they have to say at the end is what was promised and not kept.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Siege } from './a-siege.js';

interface Execution {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly workflow_id: string;
}

export interface Promised {
  readonly deployments: Set<string>;
  /** Executions, and how they must have ended; null: however. */
  readonly executions: Map<string, 'terminated' | 'cancelled' | null>;
  /** Requests that were answered. */
  requests: number;
  readonly complaints: string[];
}

interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** One request to whichever server answers; null: nobody knows whether it was done. */
async function once(siege: Siege, method: string, path: string, body?: unknown): Promise<Answered | null> {
  const server = await siege.anApi();
  try {
    const response = await fetch(`${server.url}/api/v3.1${path}`, {
      method,
      headers: {
        ...server.headers,
        // A connection that was kept may be to one that has died.
        connection: 'close',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    if (response.status >= 500) return null;
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  } catch {
    return null;
  }
}

export class Person {
  readonly #siege: Siege;
  readonly #name: string;
  readonly #witness: string;
  readonly #promised: Promised;

  constructor(siege: Siege, name: string, witness: string, promised: Promised) {
    this.#siege = siege;
    this.#name = name;
    this.#witness = witness;
    this.#promised = promised;
  }

  /** One deployment after the other, until `over`. */
  async work(over: () => boolean): Promise<void> {
    for (let nth = 1; !over(); nth += 1) {
      const deployment = `${this.#name}-${nth}`;
      await this.#deploy(deployment);
      await this.#through(deployment, 'install', {}, 'terminated');
      for (let turns = 0; turns < 4 && !over(); turns += 1) await this.#change(deployment);
    }
  }

  async #change(deployment: string): Promise<void> {
    const luck = Math.random();
    const scale = (delta: number) =>
      this.#through(deployment, 'scale', { scalable_entity_name: 'app', delta }, 'terminated');
    if (luck < 0.3) await scale(1);
    else if (luck < 0.45) {
      await scale(2);
      await scale(-2);
    } else if (luck < 0.65) await this.#update(deployment);
    else await this.#cancelled(deployment);
  }

  async #deploy(deployment: string): Promise<void> {
    for (;;) {
      const body = { blueprint_id: 'one', inputs: { witness: this.#witness } };
      const answer = await once(this.#siege, 'PUT', `/deployments/${deployment}`, body);
      if (answer === null) continue;
      // A conflict: it was made by a request whose answer was lost.
      if (answer.status >= 300 && answer.status !== 409) {
        this.#complain(`PUT ${deployment}: ${answer.status} ${JSON.stringify(answer.body)}`);
      }
      this.#promised.requests += 1;
      this.#promised.deployments.add(deployment);
      return;
    }
  }

  /** Starts a workflow and waits for its end. */
  async #through(
    deployment: string,
    workflow: string,
    parameters: object,
    wanted: 'terminated' | null,
  ): Promise<string> {
    const body = { deployment_id: deployment, workflow_id: workflow, parameters };
    const id = await this.#start(deployment, workflow, () => once(this.#siege, 'POST', '/executions', body));
    if (wanted !== null) await this.#ended(id, wanted);
    return id;
  }

  /** Asks until it is known which execution it has become. */
  async #start(deployment: string, workflow: string, ask: () => Promise<Answered | null>): Promise<string> {
    const known = new Set((await this.#executions(deployment)).map(({ id }) => id));
    for (;;) {
      const answer = await ask();
      if (answer !== null && answer.status < 300) {
        const { id, execution_id } = answer.body as { id: string; execution_id?: string };
        this.#promised.requests += 1;
        this.#promised.executions.set(execution_id ?? id, null);
        return execution_id ?? id;
      }
      // Nobody answered, or one that was started without our hearing of it stands in the way.
      const found = (await this.#executions(deployment)).find(
        (one) => !known.has(one.id) && one.workflow_id === workflow,
      );
      if (found !== undefined) return found.id;
      if (answer !== null) await delay(100);
    }
  }

  async #update(deployment: string): Promise<void> {
    const blueprint = Math.random() < 0.5 ? 'one' : 'two';
    const path = `/deployment-updates/${deployment}/update/initiate`;
    const ask = () => once(this.#siege, 'POST', path, { blueprint_id: blueprint });
    await this.#ended(await this.#start(deployment, 'update', ask), 'terminated');
  }

  /** Cancelled in the middle, and then resumed. */
  async #cancelled(deployment: string): Promise<void> {
    const id = await this.#through(deployment, 'reinstall', {}, null);
    await delay(Math.random() * 800);
    const action = ['cancel', 'force-cancel', 'kill'][Math.floor(Math.random() * 3)]!;
    const answer = await once(this.#siege, 'POST', `/executions/${id}`, { action });
    if (answer !== null && answer.status < 300) {
      this.#promised.requests += 1;
      await this.#ended(id, 'cancelled');
    } else {
      await this.#ended(id, null);
    }
    while ((await this.#get(id)).status !== 'terminated') {
      const resumed = await once(this.#siege, 'POST', `/executions/${id}`, { action: 'force-resume' });
      if (resumed !== null && resumed.status < 300) this.#promised.requests += 1;
      await this.#ended(id, null);
    }
    this.#promised.executions.set(id, 'terminated');
  }

  /** Waits for the end. */
  async #ended(id: string, wanted: 'terminated' | 'cancelled' | null): Promise<void> {
    const deadline = Date.now() + 180_000;
    for (;;) {
      const { status, error } = await this.#get(id);
      if (['terminated', 'failed', 'cancelled'].includes(status)) {
        this.#promised.executions.set(id, wanted);
        if (status === 'failed' || (wanted !== null && status !== wanted)) {
          this.#complain(`execution ${id} is ${status}, wanted ${wanted}: ${error}`);
        }
        return;
      }
      if (Date.now() > deadline) {
        this.#complain(`execution ${id} is still ${status}`);
        return;
      }
      await delay(150);
    }
  }

  async #get(id: string): Promise<Execution> {
    for (;;) {
      const answer = await once(this.#siege, 'GET', `/executions/${id}`);
      if (answer?.status === 200) return answer.body as Execution;
      if (answer?.status === 404) {
        this.#complain(`execution ${id} was acknowledged, and is not there`);
        return { id, status: 'failed', error: 'lost', workflow_id: '' };
      }
      await delay(50);
    }
  }

  async #executions(deployment: string): Promise<Execution[]> {
    for (;;) {
      const path = `/executions?deployment_id=${deployment}&_size=1000`;
      const answer = await once(this.#siege, 'GET', path);
      if (answer?.status === 200) return (answer.body as { items: Execution[] }).items;
      await delay(50);
    }
  }

  #complain(what: string): void {
    this.#promised.complaints.push(`${this.#name}: ${what}`);
  }
}
