// One MQTT.js client, told what to do by lines of JSON and telling what happens in the same way.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import mqtt from "mqtt";

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const done = (id) => (error, packet) => say({ id, error: error ? String(error.message ?? error) : null, packet });
let client;

function open({ id, url, name, version, clean, will, files }) {
  const five = version === 5;
  client = mqtt.connect(url, {
    clientId: name,
    protocolVersion: version,
    clean,
    reconnectPeriod: 0,
    connectTimeout: 5000,
    ...(five && !clean ? { properties: { sessionExpiryInterval: 300 } } : {}),
    ...(will ? { will: { topic: will.topic, payload: will.payload, qos: will.qos, retain: false } } : {}),
    ...(files
      ? { ca: readFileSync(files.ca), cert: readFileSync(files.cert), key: readFileSync(files.key), servername: "localhost" }
      : {}),
  });
  client.once("connect", (packet) => done(id)(null, { present: packet.sessionPresent }));
  client.once("error", (error) => done(id)(error));
  client.on("message", (topic, payload, packet) =>
    say({ topic, payload: payload.toString("base64"), qos: packet.qos, retain: packet.retain }),
  );
}

const deeds = {
  open,
  subscribe: ({ id, filter, qos }) => client.subscribe(filter, { qos }, (error) => done(id)(error)),
  publish: ({ id, topic, payload, qos, retain }) =>
    client.publish(topic, Buffer.from(payload, "base64"), { qos, retain }, (error) => done(id)(error)),
  close: ({ id }) => client.end(false, {}, () => done(id)(null)),
  drop: () => client.stream.destroy(),
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const told = JSON.parse(line);
    deeds[told.deed](told);
  })
  .on("close", () => process.exit(0));
