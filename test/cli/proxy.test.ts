import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import type { Finished } from '../harness.ts'
import { createCertificate } from '../upload/certificate.ts'
import { records } from '../upload/harness.ts'
import { startProxy } from '../upload/proxy-server.ts'
import { exportsOf, replay, replayed, summaryIn, write } from './upload-harness.ts'

/** The real binary behind proxies, and in front of certificates. */

const HOST = 'amplitude.test'
const COUNT = 5

/** A server with TLS for `HOST`, on this machine. */
async function startSecure(
  t: TestContext,
  end?: string,
): Promise<{ readonly port: number; readonly cert: string; requests(): number }> {
  const certificate = createCertificate(HOST, end)
  let requests = 0
  const server = createServer({ ...certificate }, (request, response) => {
    requests += 1
    request.resume().on('end', () => response.end(JSON.stringify({ code: 200, events_ingested: COUNT })))
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, cert: certificate.cert, requests: () => requests }
}

/** No variable of whoever runs the tests. */
const NO_PROXIES = { HTTPS_PROXY: '', https_proxy: '', ALL_PROXY: '', all_proxy: '', NO_PROXY: '', no_proxy: '' }

interface Way {
  readonly cwd: string
  readonly port?: number
  readonly env?: Record<string, string>
  readonly words?: readonly string[]
}

function invocation({ cwd, port = 443, env = {}, words = [] }: Way) {
  return { cwd, url: `https://${HOST}:${port}`, env: { ...NO_PROXIES, ...env }, words: ['--yes', ...words] }
}

/** Ended with 4 and everything pending, without a stack. */
function assertStopped(run: Finished, message: RegExp): void {
  assert.equal(run.code, 4, run.stderr)
  assert.match(run.stderr, message)
  assert.doesNotMatch(run.stderr, /bug|hunter2|\n {4}at /)
  const { read, pending, rejected } = summaryIn(run.stdout)
  assert.deepEqual([read, pending, rejected.total], [COUNT, COUNT, 0])
}

describe('a proxy', () => {
  test('without a scheme is used, with TLS through it, user and password', async (t) => {
    const server = await startSecure(t)
    const proxy = await startProxy(t, 'tunnel')
    const cwd = exportsOf(records(COUNT))
    write(cwd, 'ca.pem', server.cert)
    const env = { ALL_PROXY: `u:hunter2@127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') }
    const run = await replayed(0, invocation({ cwd, port: server.port, env }))
    assert.equal(run.summary.accepted, COUNT)
    assert.deepEqual(proxy.connects, [`${HOST}:${server.port} Basic ${Buffer.from('u:hunter2').toString('base64')}`])
    assert.doesNotMatch(`${run.stdout}${run.stderr}`, /hunter2/)
  })

  for (const behaviour of ['fin', 'reset', 'refuse', 'tunnel to nowhere'] as const) {
    test(`that does "${behaviour}" is asked again after a wait, until --give-up-after`, async (t) => {
      const proxy = await startProxy(t, behaviour)
      const cwd = exportsOf(records(COUNT))
      const env = { HTTPS_PROXY: `http://u:hunter2@127.0.0.1:${proxy.port}` }
      const run = await replay(invocation({ cwd, env, words: ['--give-up-after', '2s'] }))
      assertStopped(run, /Amplitude cannot be reached: for \d+ s nothing but /)
      const { total, by_status } = summaryIn(run.stdout).requests
      assert.deepEqual([proxy.connects.length, by_status['network']], [total, total])
      assert.ok(total >= 1 && total <= 100, String(total))
    })
  }

  test('that asks for a password stops the run at once, and its variable is named', async (t) => {
    const proxy = await startProxy(t, 'authenticate')
    const cwd = exportsOf(records(COUNT))
    const run = await replay(invocation({ cwd, env: { https_proxy: `u:hunter2@127.0.0.1:${proxy.port}` } }))
    assertStopped(run, /407[\s\S]*https_proxy/)
    assert.equal(proxy.connects.length, 1)
  })

  test('of NO_PROXY’s hosts is not used', async (t) => {
    const proxy = await startProxy(t, 'tunnel')
    const cwd = exportsOf(records(COUNT))
    const env = { HTTPS_PROXY: `127.0.0.1:${proxy.port}`, NO_PROXY: '.test' }
    const run = await replay(invocation({ cwd, env, words: ['--give-up-after', '1ms'] }))
    assertStopped(run, /cannot be reached/)
    assert.deepEqual(proxy.connects, [])
  })

  for (const [value, message] of [
    ['socks5://u:hunter2@127.0.0.1:1080', /HTTPS_PROXY names a socks5 proxy/],
    ['http://u:hunter2@:x', /HTTPS_PROXY is no address/],
  ] as const) {
    test(`that cannot be one is wrong use: ${message.source}`, async () => {
      const cwd = exportsOf(records(COUNT))
      const run = await replay(invocation({ cwd, env: { HTTPS_PROXY: value } }))
      assert.equal(run.code, 2, run.stderr)
      assert.match(run.stderr, message)
      assert.doesNotMatch(run.stderr, /hunter2/)
      assert.ok(!existsSync(join(cwd, '.braze2amp')))
    })
  }
})

describe('a certificate that is refused', () => {
  test('stops the run at once with nothing sent, and the same command goes on once it is trusted', async (t) => {
    const server = await startSecure(t)
    const proxy = await startProxy(t, 'tunnel')
    const cwd = exportsOf(records(COUNT))
    const env = { HTTPS_PROXY: proxy.url }
    const way = { cwd, port: server.port, env }
    assertStopped(await replay(invocation(way)), /certificate[\s\S]*NODE_EXTRA_CA_CERTS/)
    assert.deepEqual([proxy.connects.length, server.requests()], [1, 0])
    write(cwd, 'ca.pem', server.cert)
    const trusting = { ...way, env: { ...env, NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') } }
    const run = await replayed(0, invocation(trusting))
    assert.equal(run.summary.accepted, COUNT)
  })

  test('stops it too when it is for another name, and without a proxy', async (t) => {
    const server = await startSecure(t)
    const cwd = exportsOf(records(COUNT))
    write(cwd, 'ca.pem', server.cert)
    const env = { ...NO_PROXIES, NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') }
    const run = await replay({ cwd, url: `https://127.0.0.1:${server.port}`, env })
    assertStopped(run, /certificate[\s\S]*another name[\s\S]*--endpoint/)
    assert.doesNotMatch(run.stderr, /NODE_EXTRA_CA_CERTS/)
    assert.equal(server.requests(), 0)
  })

  test('stops it too when it has expired', async (t) => {
    const server = await startSecure(t, '250101000000Z')
    const proxy = await startProxy(t, 'tunnel')
    const cwd = exportsOf(records(COUNT))
    write(cwd, 'ca.pem', server.cert)
    const env = { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: join(cwd, 'ca.pem') }
    const run = await replay(invocation({ cwd, port: server.port, env }))
    assertStopped(run, /certificate has expired[\s\S]*clock/)
    assert.doesNotMatch(run.stderr, /NODE_EXTRA_CA_CERTS/)
    assert.equal(server.requests(), 0)
  })
})
