// The simulated ERP as a process. It prints one line of JSON when it serves, and ends on SIGTERM or SIGINT.
import { parseArgs } from 'node:util'
import { openRealRuntime } from '../../runtime/real.ts'
import { createAdmin } from '../admin.ts'
import { openSqliteDisk } from '../sqlite-disk.ts'
import { operate } from './operate.ts'
import { createS4Hana } from './s4hana.ts'

if (Number(process.versions.node.split('.')[0]) < 24) {
  console.error(`Holdpoint needs Node 24 or newer, this is ${process.versions.node}.`)
  process.exit(1)
}

const HELP = `usage: main.ts --disk FILE [--port N] [--admin-port N] [--instance NAME] [--user NAME --password TEXT]
               [--products A,B] [--notify URL] [--notify-token TEXT]`

const { values } = parseArgs({
  options: {
    disk: { type: 'string' },
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string', default: '0' },
    instance: { type: 'string', default: 'S4H' },
    user: { type: 'string' },
    password: { type: 'string', default: '' },
    products: { type: 'string', default: 'RM-100,RM-200' },
    notify: { type: 'string' },
    'notify-token': { type: 'string' },
  },
})
if (values.disk === undefined) {
  console.error(HELP)
  process.exit(2)
}

const HOST = '127.0.0.1'
const runtime = openRealRuntime({ onHandlerError: (error) => console.error(error) })
const disk = openSqliteDisk(values.disk)
const erp = createS4Hana(
  { runtime, disk },
  {
    instance: values.instance,
    host: HOST,
    port: Number(values.port),
    users: values.user === undefined ? {} : { [values.user]: values.password },
    products: values.products.split(',').map((product) => ({ product })),
    push: { url: values.notify ?? null, token: values['notify-token'] ?? null },
  },
)
const admin = createAdmin({ runtime }, { host: HOST, port: Number(values['admin-port']) }, operate(erp))

let ending = false
const end = async (): Promise<void> => {
  if (ending) return
  ending = true
  await Promise.all([erp.stop(), admin.stop()])
  await runtime.close()
  disk.close()
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end())

const url = await erp.start()
const adminUrl = await admin.start()
console.log(JSON.stringify({ ready: true, instance: values.instance, url, adminUrl, pid: process.pid }))
