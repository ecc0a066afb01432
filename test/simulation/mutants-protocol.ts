import type { UnknownMutant } from './mutant.ts'

const LEDGER = 'src/engine/ledger.ts'
const EFFECTS = 'src/engine/effects.ts'
const OUTBOX = 'src/engine/outbox.ts'
const PARTITION = 'src/engine/partition.ts'
const COMMANDS = 'src/reconcile/commands.ts'
const CASE = 'src/reconcile/case.ts'
const POSTING = 'src/reconcile/posting.ts'

/** Bugs of the apply protocol: intents, sending, unknown outcomes, leases, restore, rebuild. */
export const MUTANTS_OF_PROTOCOL: readonly UnknownMutant[] = [
  {
    name: 'no-query-before-retry',
    patches: [{ file: COMMANDS, find: 'if (repeats(c, command) && !(', replace: 'if (!c.goal.withdrawing && !(' }],
  },
  {
    name: 'no-quiesce-before-query',
    patches: [
      { file: COMMANDS, find: 'return addMs(since, since <= silence.until ? quiesceMs + silence.ms : quiesceMs)', replace: 'return since' },
    ],
  },
  {
    name: 'quiesce-shorter-than-lag',
    patches: [
      {
        file: COMMANDS,
        find: 'return addMs(since, since <= silence.until ? quiesceMs + silence.ms : quiesceMs)',
        replace: 'return addMs(since, c.policy.lagMs / 2)',
      },
      {
        file: COMMANDS,
        find: 'addMs(command.absentAt as string, Math.max(c.policy.lagMs, 1))',
        replace: 'addMs(command.absentAt as string, 1)',
      },
    ],
  },
  {
    name: 'clock-set-back-is-believed',
    patches: [
      { file: 'src/store/time.ts', find: 'let newest = notBefore', replace: 'let newest = 0' },
      { file: 'src/store/time.ts', find: 'let ahead = Math.max(0, notBefore - now())', replace: 'let ahead = 0' },
      { file: 'src/engine/takeover.ts', find: "if (newestAt !== '') clock.notBefore(newestAt)", replace: '' },
    ],
  },
  {
    name: 'absent-once-is-enough',
    patches: [
      {
        file: COMMANDS,
        find: "if (!isAbsentOnce(command)) return resolve('absentOnce',",
        replace: "if (!isAbsentOnce(command)) return resolve('failed',",
      },
    ],
  },
  {
    name: 'timeout-is-failure',
    patches: [
      {
        file: LEDGER,
        find: "putCommand(turn, goal, { ...changed, state: 'unknown' })",
        replace: "settleCommand(turn, goal, { ...changed, state: 'failed' })",
      },
    ],
  },
  {
    name: 'a-later-posting-overtakes',
    patches: [{ file: LEDGER, find: 'if (inTurn && UNDER_WAY.has(step.step)) postingAhead = true', replace: '' }],
  },
  {
    name: 'send-before-intent-is-durable',
    patches: [
      {
        file: PARTITION,
        find: 'const result = await deps.store.commit(batchOf(turn, deps.worker))',
        replace: `const batch = batchOf(turn, deps.worker)
      applyTurn(turn, this.memory.position + 1, deps.settings)
      for (const effect of turn.effects.splice(0)) {
        if (effect.effect === 'send') this.#sending++
        carryOutEffect(this.#effects, effect, turn.at)
      }
      const result = await deps.store.commit(batch)`,
      },
    ],
  },
  {
    name: 'intent-not-journalled',
    patches: [
      {
        file: LEDGER,
        find: 'if (known === undefined) return changeGoal(',
        replace: `if (known === undefined && command.state === 'intent') {
    const staged = { ...goal, commands: [...goal.commands, command] }
    turn.goals.set(goal.id, staged)
    turn.dirty.add(orderKeyOf(goal))
    return staged
  }
  if (known === undefined) return changeGoal(`,
      },
    ],
  },
  {
    name: 'first-outcome-counts-for-the-batch',
    patches: [{ file: OUTBOX, find: 'outcomes[index] as Outcome', replace: 'outcomes[0] as Outcome' }],
  },
  {
    name: 'missing-item-is-applied',
    patches: [
      {
        file: 'src/connectors/kit/json/batch-items.ts',
        find: "return { outcome: 'unknown', detail: 'no result for this item' }",
        replace: "return { outcome: 'applied', detail: 'no result for this item' }",
      },
    ],
  },
  {
    name: 'server-error-is-refusal',
    patches: [
      {
        file: 'src/connectors/kit/json/json-call.ts',
        find: "if (status >= 500 || status === 408 || status === 425) return { result: 'unknown',",
        replace: "if (status >= 500 || status === 408 || status === 425) return { result: 'refused',",
      },
    ],
  },
  {
    name: 'two-commands-of-one-key-in-flight',
    patches: [{ file: CASE, find: 'newest, count, siblingUnsettled }', replace: 'newest, count, siblingUnsettled: false }' }],
  },
  {
    name: 'no-deadline-and-no-lease-check',
    patches: [
      { file: EFFECTS, find: 'if (now - intentMono >= deps.settings.sendDeadlineMs) return false', replace: '' },
      { file: EFFECTS, find: 'if (parts.leaseUntil() - now <= ', replace: 'if (Number.POSITIVE_INFINITY <= ' },
      { file: 'src/engine/deadline.ts', find: 'timeoutMs + MARGIN_MS', replace: '1_000_000' },
    ],
  },
  {
    name: 'guard-is-asked-too-early',
    patches: [
      { file: OUTBOX, find: 'beforeWrite: () => batch.every((send) => refusalOf(send) === null)', replace: 'beforeWrite: () => true' },
    ],
  },
  {
    name: 'completion-not-fenced',
    patches: [
      {
        file: 'src/store/group.ts',
        find: 'if (held.worker !== owner.worker || held.epoch !== owner.epoch) fenced.add(partition)',
        replace: '',
      },
    ],
  },
  {
    name: 'old-lease-writes',
    patches: [
      {
        file: 'src/store/leases.ts',
        find: `if (state.worker !== ask.worker || state.epoch !== lease.epoch) continue
    const extended: PartitionState = { ...state, expiresAtMs: ask.nowMs + ask.leaseMs }`,
        replace:
          'const extended: PartitionState = { ...state, worker: ask.worker, epoch: lease.epoch, expiresAtMs: ask.nowMs + ask.leaseMs }',
      },
    ],
  },
  {
    name: 'read-floor-without-lag',
    patches: [
      {
        file: CASE,
        find: "settledAt === '' ? '' : addMs(settledAt, policy.lagMs)",
        replace: "settledAt === '' ? '' : addMs(settledAt, 0)",
      },
    ],
  },
  {
    name: 'rollback-is-not-noticed',
    patches: [
      { file: POSTING, find: "if (c.policy.evidence === 'answer' || command.action.type !== 'move') return null", replace: 'return null' },
    ],
  },
  {
    name: 'reference-not-deterministic',
    patches: [
      {
        file: 'src/engine/derive.ts',
        find: 'const text = [installation,',
        replace: `const counted = reference as unknown as { count?: number }
  counted.count = (counted.count ?? 0) + 1
  const text = [counted.count, installation,`,
      },
    ],
  },
  {
    name: 'reference-not-written',
    patches: [
      {
        file: 'src/connectors/counting-erp/mapping.ts',
        find: 'const { reference, action } = command',
        replace: "const { action } = command\n    const reference = ''",
      },
    ],
  },
  {
    name: 'restored-store-posts-again',
    patches: [
      { file: LEDGER, find: 'return this.#ledger.parts.queryFirst()', replace: 'return false' },
      { file: COMMANDS, find: 'if (c.read === null || failedCommand(c) !== null) return null', replace: 'return null' },
    ],
  },
  {
    name: 'rebuild-decides-again',
    patches: [
      {
        file: 'src/engine/rebuild.ts',
        find: "import { foldInto } from './checkpoint.ts'",
        replace: "import { foldInto } from './checkpoint.ts'\nimport { lot } from '../process/lot.ts'",
      },
      {
        file: 'src/engine/rebuild.ts',
        find: 'foldInto(rows, parseEntry(entry.body), partition)',
        replace: `const parsed = parseEntry(entry.body)
      foldInto(rows, parsed, partition)
      if (parsed.kind === 'decision' && parsed.process === 'lot') {
        const id = [...rows.states.keys()].find((known) => known.startsWith('lot') && known.endsWith(parsed.key)) as string
        const data = { lot: parsed.key, erp: 'erp-1', hold: 'none', scope: { kind: 'whole' }, evidence: '', liftedBy: '' }
        const event = { type: 'holdpoint.hold.lifted.v1', subject: parsed.key, source: null, recordedAt: parsed.recordedAt, data }
        const row = rows.states.get(id) as never as { state: never }
        rows.states.set(id, { ...(row as object), state: lot.decide(row.state, event as never, { sites: {} }).state } as never)
      }`,
      },
    ],
  },
  {
    name: 'takeover-forgets-what-the-journal-is-ahead',
    patches: [
      {
        file: 'src/engine/checkpoint.ts',
        find: 'for (const entry of entries) foldInto(unwritten, entry, partition)',
        replace: 'unwritten.goals.clear()\n    unwritten.states.clear()',
      },
    ],
  },
  {
    name: 'failed-reads-stay-silent',
    patches: [{ file: EFFECTS, find: 'failed: tell,', replace: 'failed: () => undefined,' }],
  },
  {
    name: 'store-answers-before-the-disk',
    patches: [{ file: 'src/store/memory/memory-store.ts', find: 'faults?.syncEveryGroups ?? 0', replace: 'faults?.syncEveryGroups ?? 6' }],
  },
]
