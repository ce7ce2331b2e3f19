// What following costs with Node and rss-parser: fetches every link of a file, 64 at once, parses what
// comes, keeps the ids that it has seen and writes them to one file. Twice, in one process that is warm
// by then; the second round fetches and parses again, as rss-parser asks nothing conditionally.
//
// node peer.mjs <file of links> <file of what was seen>

import { readFileSync, writeFileSync } from "node:fs";
import Parser from "rss-parser";

const AT_ONCE = 64;
const [links, state] = process.argv.slice(2);
const urls = readFileSync(links, "utf8").split("\n").filter(Boolean);
const parser = new Parser();
const seen = {};

async function round() {
  const began = performance.now();
  const before = process.cpuUsage();
  let next = 0;
  let items = 0;
  const worker = async () => {
    while (next < urls.length) {
      const url = urls[next++];
      const feed = await parser.parseString(await (await fetch(url)).text());
      const ids = new Set(seen[url] ?? []);
      for (const item of feed.items) ids.add(item.guid ?? item.id ?? item.link);
      seen[url] = [...ids];
      items += feed.items.length;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  writeFileSync(state, JSON.stringify(seen));
  const used = process.cpuUsage(before);
  return {
    cpu_ms: (used.user + used.system) / 1000,
    wall_ms: performance.now() - began,
    peak_kib: process.resourceUsage().maxRSS,
    items,
  };
}

console.log(JSON.stringify([await round(), await round()]));
