import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const MAIN = join(import.meta.dirname, '../main.ts')

interface Ended {
  readonly code: number
  readonly output: string
  readonly story: string
}

function start(args: readonly string[], onStory: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined) {
  return new Promise<Ended>((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], (error, output, story) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, output, story })
    })
    child.stderr?.on('data', (text: string) => onStory(text, (signal) => child.kill(signal)))
  })
}

describe.concurrent('the demonstration', { timeout: 60_000 }, () => {
  test('ends as declared, and says so in one object', async ({ expect }) => {
    const { code, output, story } = await start(['--once', '--json'])
    expect(code, story).toBe(0)
    const end = JSON.parse(output) as Readonly<Record<string, unknown>>
    expect(end).toMatchObject({
      ok: true,
      differences: [],
      exceptions: [{ code: 'hold.foreign' }],
      goals: { open: 0, parked: 0, refused: 0 },
    })
    expect(story).toContain('answer is lost')
    expect(story).not.toContain('\u001b[')
  })

  test.each(['erp-1', 'qms-1'])('notices what was changed in %s behind its back', async (system) => {
    const { code, output } = await start(['--json', '--corrupt', system])
    expect(code).toBe(1)
    const { ok, differences } = JSON.parse(output) as { readonly ok: boolean; readonly differences: readonly string[] }
    expect(ok).toBe(false)
    expect(differences.join()).toContain(system)
  })

  test('stops when told, and leaves nothing running', async ({ expect }) => {
    const { code } = await start(['--json'], (text, kill) => {
      if (text.includes('accepts')) kill('SIGTERM')
    })
    expect(code).toBe(143)
  })

  test('knows its version and its options', async ({ expect }) => {
    expect((await start(['--version'])).output).toMatch(/^\d+\.\d+\.\d+\n$/)
    const help = (await start(['--help'])).output
    for (const word of ['--once', '--json', '--corrupt', 'Exit codes']) expect(help).toContain(word)
    expect((await start(['--nonsense'])).code).toBe(2)
    expect((await start(['more', 'words'])).code).toBe(2)
  })
})

test('colour is for people who look and did not refuse it', async () => {
  const { wantsColour } = await import('./demo/paper.ts')
  expect(wantsColour({ isTTY: true }, {})).toBe(true)
  expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false)
  expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false)
  expect(wantsColour({}, {})).toBe(false)
})
