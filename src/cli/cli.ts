import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { CORRUPTIBLE, demonstrate } from './demo.ts'

interface Flags {
  readonly json?: true
  readonly corrupt?: string
}

const HELP = `
Without a command it shows the kernel at work: a few lots, an ERP, a QMS, a hub, a broken cable. It ends by itself.

Exit codes: 0 everything ended as declared, 1 something differs or failed, 2 wrong usage.`

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
export async function run(args: readonly string[]): Promise<number> {
  const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  let code = 0
  const program = new Command('holdpoint').description(description).version(version).exitOverride()
  program
    // Nobody reads it yet: there is nothing that would go on after the story.
    .option('--once', 'tell the story once and end (so far that happens without it too)')
    .option('--json', 'one JSON object on standard output, the story on standard error')
    .addOption(new Option('--corrupt <system>', 'change one cell of a system behind the hub, to see it noticed').choices(CORRUPTIBLE))
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .action(async ({ json, corrupt }: Flags) => {
      code = await demonstrate({ version, json: json === true, corrupt: corrupt ?? null })
    })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
}
