// A newcomer's first minute: clone, start, and a standard output that belongs to the program alone; build, and doors that open.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launchNpm, ROOT } from './launch.mjs'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Node 24 or newer is needed, this is ${process.versions.node}.`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'holdpoint-clone-'))
try {
  execFileSync('git', ['clone', '--quiet', ROOT, folder])
  const startedAt = Date.now()
  const version = await npm(['start', '--', '--version'])
  if (!/^\d+\.\d+\.\d+\n$/.test(version)) throw new Error(`npm start -- --version printed ${JSON.stringify(version)}`)
  console.log(`npm start as the first command: ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
  await npm(['run', 'build'])
  const doors = "for (const door of ['holdpoint', 'holdpoint/model', 'holdpoint/connector']) await import(door)"
  execFileSync(process.execPath, ['--input-type=module', '--eval', doors], { cwd: folder, stdio: 'inherit' })
  console.log('the package builds and its doors open')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Standard output of an npm command in the clone; its standard error is passed on. */
function npm(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = launchNpm([...args], { cwd: folder, output: 'pipe' })
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    child.stderr?.pipe(process.stderr)
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`npm ${args.join(' ')} ended with ${code}\n${output}`))))
  })
}
