// The AG-UI client as it is published, driven by a test: one order a line on stdin, one answer a line on stdout, both JSON.
//
//   {"read": "<body>"}                                    a recorded stream, or several behind one another
//   {"open": "<name>", "url", "headers", "threadId"}      an agent that is kept
//   {"run": "<name>", "say"?, "resume"?, "more"?, "abortAt"?}  one run of it; it is aborted at the first event of a type
import { createInterface } from "node:readline";
import { HttpAgent } from "@ag-ui/client";

const kept = new Map();

function recorded(body) {
  const headers = { "Content-Type": "text/event-stream; charset=utf-8" };
  return new HttpAgent({ url: "http://recorded", fetch: async () => new Response(body, { headers }) });
}

async function run(agent, parameters, abortAt) {
  const events = [];
  const warnings = [];
  console.warn = (...said) => warnings.push(said.join(" "));
  console.error = () => {};
  const onEvent = ({ event }) => {
    events.push(event);
    if (event.type === abortAt) agent.abortRun();
  };
  let failure = null;
  try {
    await agent.runAgent(parameters, { onEvent });
  } catch (error) {
    failure = { message: error.message, status: error.status ?? null };
  }
  const { messages, state, pendingInterrupts: interrupts } = agent;
  return { failure, warnings, events, messages, state, interrupts };
}

async function obey(order) {
  if ("read" in order) return run(recorded(order.read), {});
  if ("open" in order) {
    kept.set(order.open, new HttpAgent(order));
    return {};
  }
  const agent = kept.get(order.run);
  if (order.say !== undefined) agent.addMessage({ id: crypto.randomUUID(), role: "user", content: order.say });
  return run(agent, { ...order.more, resume: order.resume }, order.abortAt);
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line)))}\n`);
}
