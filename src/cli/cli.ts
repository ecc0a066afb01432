import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const program = new Command('holdpoint').description(description).version(version).exitOverride()
  program.action(() => {
    console.log(`holdpoint ${version}: the kernel is under construction; npm test shows what holds already`)
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
}
