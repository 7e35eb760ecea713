/** The limit: a bare Node server that tells the same bytes to every client as often, and asks nobody. */
import http from 'node:http';

const [perSecond = '1000', turnMs = '25'] = process.argv.slice(2);
const clients = new Set<http.ServerResponse>();
const server = http.createServer((_request, response) => {
  response.useChunkedEncodingByDefault = false;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  clients.add(response);
});
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as { port: number }).port }));
let [id, owed] = [0, 0];
let before = process.cpuUsage();
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  owed += ((now - last) * Number(perSecond)) / 1000;
  last = now;
  const events = [];
  for (; owed >= 1; owed -= 1) {
    id += 1;
    events.push({
      id,
      at: new Date().toISOString(),
      kind: 'event',
      message: `at=${(performance.timeOrigin + performance.now()).toFixed(2)}`,
      type: 'task_started',
      execution: '00000000-0000-0000-0000-000000000000',
      deployment: 'bench',
      operation: 'cloudify.interfaces.lifecycle.create',
      node: 'web',
      instance: 'web_1',
    });
  }
  const chunk = Buffer.from(`id: ${id}\nevent: news\ndata: ${JSON.stringify({ events })}\n\n`);
  for (const client of clients) client.write(chunk);
}, Number(turnMs));
process.on('message', (message) => {
  if (message === 'begin') before = process.cpuUsage();
  else if (message === 'stop') process.exit(0);
  else {
    const used = process.cpuUsage(before);
    process.send!({ processorMs: (used.user + used.system) / 1000, memory: process.memoryUsage().rss });
  }
});
