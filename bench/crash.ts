import { monoNow, sleep } from './load.ts'
import type { Program } from './program.ts'
import { closeRig, comeToRest, judge, openRig, type Rig, type RigInput, type Verdict, watchEffect } from './rig.ts'
import type { Outage } from './stub.ts'

export interface CrashRun extends Verdict {
  readonly kills: number
  /** From spawning the process again to the next effect in the stub's books, with backlog; one per kill. */
  readonly restartMs: readonly number[]
}

/** During an outage receipts keep coming: otherwise nothing would be on its way in when the process dies. */
const OUTAGE_IN_SYSTEM = 10
const OUTAGES: readonly Outage[] = ['refuse', 'cutAfter', 'cutBefore']
/** What was on its way when the process died is over when the next effect is waited for. */
const AFTERMATH_MS = 30

/**
 * Kills the program in mid-run, again and again, each time in a target outage (503, or cut before or after the effect)
 * or just after one; what it holds by then are unanswered commands and a backlog. Then everything drains and the books are read.
 */
export async function crash(
  input: RigInput & { readonly kills: number; readonly inSystemMax: number; readonly progress: (text: string) => void },
): Promise<CrashRun> {
  const rig = await openRig(input)
  let program: Program | null = null
  try {
    program = await rig.start()
    rig.load.start(input.inSystemMax)
    const restartMs: number[] = []
    for (let kill = 0; kill < input.kills; kill += 1) {
      await sleep(300 + ((kill * 137) % 400))
      await rig.stub.ask('outage', OUTAGES[kill % OUTAGES.length])
      rig.load.start(input.inSystemMax * OUTAGE_IN_SYSTEM)
      await sleep(100 + ((kill * 89) % 300))
      if (kill % 2 === 1) await recover(rig, 20 + ((kill * 53) % 130))
      await program.kill()
      const restarted = await restart(rig)
      program = restarted.program
      rig.load.start(input.inSystemMax)
      restartMs.push(restarted.ms)
      input.progress(`kill ${kill + 1} of ${input.kills}: next effect after ${Math.round(restarted.ms)} ms`)
    }
    await rig.load.stop()
    await comeToRest(rig, program)
    return { ...(await judge(rig)), kills: input.kills, restartMs }
  } finally {
    await closeRig(rig, program)
  }
}

/** Every other kill hits the recovery: commands that failed and commands that did not fail are on their way together. */
async function recover(rig: Rig, ms: number): Promise<void> {
  await rig.stub.ask('outage', null)
  await sleep(ms)
}

async function restart(rig: Rig): Promise<{ readonly program: Program; readonly ms: number }> {
  await sleep(AFTERMATH_MS)
  await rig.stub.ask('outage', null)
  const effect = await watchEffect(rig)
  const spawnedAt = monoNow()
  const program = await rig.start()
  return { program, ms: (await effect.atMs) - spawnedAt }
}
