import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { createHttpClient } from '../../src/upload/http-client.ts'
import { createHttpThread } from '../../src/upload/http-thread.ts'
import { isLoopback } from '../../src/upload/loopback.ts'
import { startScripted } from './scripted-server.ts'

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const BODY = Buffer.from('{"events":[]}')

for (const [place, create] of [
  ['this thread', createHttpClient],
  ['a thread of its own', createHttpThread],
] as const) {
  describe(`a client in ${place}`, () => {
    function clientOf(t: TestContext, url: string, more: object = {}) {
      const options = { url: new URL(url), connections: 2, gzip: false, version: 'test', environment: {}, ...more }
      const client = create(options)
      t.after(() => client.close())
      return client
    }

    test('an answer comes with its status, text and headers; bodies of errors are read too', async (t) => {
      const server = await startScripted(t, () => ({
        status: 503,
        body: 'x'.repeat(100_000),
        headers: { 'retry-after': '3' },
      }))
      const client = clientOf(t, server.url)
      for (let round = 0; round < 5; round++) {
        const answer = await client.post(BODY)
        assert.ok(answer.is === 'response')
        assert.deepEqual([answer.status, answer.text.length, answer.retryAfter], [503, 100_000, '3'])
      }
    })

    test('connections are kept alive', async (t) => {
      let connections = 0
      const server = createServer((request, response) => request.resume().on('end', () => response.end('{}')))
      server.on('connection', () => connections++)
      const client = clientOf(t, await listen(t, server), { connections: 1 })
      for (let round = 0; round < 5; round++) await client.post(BODY)
      assert.equal(connections, 1)
    })

    test('a redirect is an answer like any other', async (t) => {
      const server = await startScripted(t, () => ({ status: 307, body: '', headers: { location: '/elsewhere' } }))
      const answer = await clientOf(t, server.url).post(BODY)
      assert.ok(answer.is === 'response')
      assert.deepEqual([answer.status, answer.location, server.requests.length], [307, '/elsewhere', 1])
    })

    test('of an endless answer only the beginning is kept', async (t) => {
      const server = createServer((request, response) => {
        request.resume().on('end', () => response.end(Buffer.alloc(9 << 20, 'x')))
      })
      const answer = await clientOf(t, await listen(t, server)).post(BODY)
      assert.ok(answer.is === 'response')
      assert.equal(answer.text.length, 4 << 20)
    })

    for (const [name, kind, serve] of [
      ['no answer', 'timeout', () => {}],
      ['an answer that stops in the middle', 'timeout', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
      ['a closed connection', 'network', null],
      ['a cut body', 'network', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf!'],
      ['something that is not HTTP', 'network', 'SSH-2.0-x\r\n'],
    ] as const) {
      test(`${name} is a failure, not an exception`, async (t) => {
        const server = createTcpServer((socket) => {
          socket.on('error', () => {})
          socket.on('data', () => {
            if (serve === null) socket.resetAndDestroy()
            else if (typeof serve === 'string') {
              socket.write(serve)
              if (serve.endsWith('!')) socket.end()
            }
          })
          t.after(() => socket.destroy())
        })
        const answer = await clientOf(t, await listen(t, server), { timeoutMs: 100 }).post(BODY)
        assert.ok(answer.is === 'failure')
        assert.equal(answer.kind, kind, answer.message)
      })
    }

    test('a proxy of the environment is used, except for loopback', async (t) => {
      const seen: string[] = []
      const proxy = createServer((request, response) => {
        seen.push(`${request.method} ${request.url}`)
        request.resume().on('end', () => response.end('{"code":200}'))
      })
      proxy.on('connect', (request, socket) => {
        seen.push(`CONNECT ${request.url}`)
        const { port = '0' } = new URL(`http://${request.url}`)
        const target = connect(Number(port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
        target.on('error', () => socket.destroy())
        target.pipe(socket).pipe(target)
        t.after(() => target.destroy())
      })
      const proxyUrl = await listen(t, proxy)
      const server = await startScripted(t, () => ({ status: 200, body: { code: 200 } }))
      const environment = { HTTPS_PROXY: proxyUrl }
      process.env['HTTP_PROXY'] = proxyUrl
      t.after(() => delete process.env['HTTP_PROXY'])
      const port = new URL(server.url).port
      await clientOf(t, `http://somewhere.test:${port}`, { environment }).post(BODY)
      assert.equal(seen.length, 1)
      assert.match(seen[0] ?? '', /somewhere\.test/)
      await clientOf(t, server.url, { environment }).post(BODY)
      assert.equal(seen.length, 1)
      process.env['NO_PROXY'] = 'somewhere.test'
      t.after(() => delete process.env['NO_PROXY'])
      assert.equal((await clientOf(t, `http://somewhere.test:${port}`, { environment }).post(BODY)).is, 'failure')
      assert.equal(seen.length, 1)
    })

    test('a body in shared memory arrives, compressed or not', async (t) => {
      const server = await startScripted(t, () => ({ status: 200, body: { code: 200 } }))
      const memory = Buffer.from(new SharedArrayBuffer(10_000)).fill(' ')
      memory.write('{"events":[{"user_id":"u","insert_id":"a"}]}')
      for (const gzip of [false, true]) {
        const answer = await clientOf(t, server.url, { gzip }).post(memory)
        assert.equal(answer.is, 'response')
      }
      assert.deepEqual(
        server.requests.map(({ events }) => events.map(({ insert_id }) => insert_id)),
        [['a'], ['a']],
      )
    })

    test('a request that is under way when the client is closed is a failure', async (t) => {
      const server = createTcpServer((socket) => {
        socket.on('error', () => {})
        t.after(() => socket.destroy())
      })
      const client = clientOf(t, await listen(t, server))
      const answer = client.post(BODY)
      await client.close()
      assert.equal((await answer).is, 'failure')
    })
  })
}

test('when the thread ends in an error, what waits for it, and all that comes, is rejected', async (t) => {
  const client = createHttpThread({ url: new URL('http://127.0.0.1:9'), connections: -1, gzip: false, version: 'test' })
  t.after(() => client.close())
  await assert.rejects(client.post(BODY), /connections/)
  await assert.rejects(client.post(BODY), /connections/)
})

test('loopback is this machine, and nothing that only looks like it', () => {
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '[::1]', 'x.localhost']) assert.ok(isLoopback(host), host)
  for (const host of ['127.0.0.1.evil.com', 'localhost.evil.com', '10.0.0.1', '[::2]', '0.0.0.0', '128.0.0.1'])
    assert.ok(!isLoopback(host), host)
})
