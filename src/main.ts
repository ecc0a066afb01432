#!/usr/bin/env node
if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Holdpoint needs Node 24 or newer, this is ${process.versions.node}.`)
  process.exit(1)
}
const { run } = await import('./cli/cli.ts')
process.exitCode = await run(process.argv.slice(2))
