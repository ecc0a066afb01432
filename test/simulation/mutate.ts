// Imported before anything else (`node --import`): patches one source file as it is loaded.
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { MUTANTS } from './mutants.ts'

const name = process.env['HOLDPOINT_MUTANT']
const mutant = MUTANTS.find((one) => one.name === name)
if (mutant === undefined) throw new Error(`no deliberate bug is called ${name}`)
const target = fileURLToPath(new URL(`../../${mutant.file}`, import.meta.url))

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.startsWith('file:') || fileURLToPath(url) !== target) return loaded
    const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source ?? new Uint8Array())
    const occurrences = source.split(mutant.find).length - 1
    if (occurrences !== 1)
      throw new Error(`${mutant.name}: the patch must fit exactly once in ${mutant.file}, it fits ${occurrences} times`)
    return { ...loaded, source: source.replace(mutant.find, () => mutant.replace) }
  },
})
