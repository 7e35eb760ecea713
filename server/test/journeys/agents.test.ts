import { aHost } from '../support/a-host.js';
import { agentsConform } from '../support/agents-conform.js';

await agentsConform("a library's server", aHost);
