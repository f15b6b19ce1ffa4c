import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../../src/errors.ts'
import { proxyFor } from '../../src/upload/proxy.ts'

const AMPLITUDE = new URL('https://api2.amplitude.com/2/httpapi')
const url = (value: string) => proxyFor(AMPLITUDE, { HTTPS_PROXY: value })?.url

describe('the variable that counts', () => {
  for (const [environment, variable] of [
    [{}, null],
    [{ HTTPS_PROXY: '', https_proxy: ' ', ALL_PROXY: '' }, null],
    [{ HTTPS_PROXY: 'a', https_proxy: 'b', ALL_PROXY: 'c', all_proxy: 'd' }, 'https_proxy'],
    [{ HTTPS_PROXY: 'a', ALL_PROXY: 'c', all_proxy: 'd' }, 'HTTPS_PROXY'],
    [{ HTTPS_PROXY: 'a', https_proxy: '' }, 'HTTPS_PROXY'],
    [{ ALL_PROXY: 'c', all_proxy: 'd' }, 'all_proxy'],
    [{ ALL_PROXY: 'c' }, 'ALL_PROXY'],
    [{ HTTP_PROXY: 'e', http_proxy: 'f' }, null],
  ] as const) {
    test(`of ${JSON.stringify(environment)} is ${variable}`, () => {
      assert.equal(proxyFor(AMPLITUDE, environment)?.variable ?? null, variable)
    })
  }

  test('is none for this machine', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      assert.equal(proxyFor(new URL(`https://${host}:8787`), { HTTPS_PROXY: 'a' }), null)
    }
  })
})

describe('the address', () => {
  for (const [value, expected] of [
    ['proxy.test:3128', 'http://proxy.test:3128'],
    ['proxy.test', 'http://proxy.test'],
    ['10.1.2.3:80', 'http://10.1.2.3'],
    ['[fd00::1]:3128', 'http://[fd00::1]:3128'],
    ['localhost:3128', 'http://localhost:3128'],
    ['HTTP://Proxy.Test:3128/', 'http://proxy.test:3128'],
    ['https://proxy.test:3129', 'https://proxy.test:3129'],
    [' http://proxy.test:3128 ', 'http://proxy.test:3128'],
    ['u:p@proxy.test:3128', 'http://proxy.test:3128'],
  ] as const) {
    test(`of ${value} is ${expected}`, () => assert.equal(url(value), expected))
  }

  for (const [value, authorization] of [
    ['http://proxy.test', null],
    ['user:p%40ss%3A@proxy.test:3128', 'user:p@ss:'],
    ['http://user@proxy.test', 'user:'],
    ['http://us%C3%A9r:@proxy.test', 'usér:'],
  ] as const) {
    test(`holds for ${value} the user ${authorization}`, () => {
      const [, base64 = ''] = proxyFor(AMPLITUDE, { all_proxy: value })?.authorization?.split(' ') ?? []
      assert.equal(Buffer.from(base64, 'base64').toString(), authorization ?? '')
    })
  }

  for (const value of [
    'http://',
    '://x',
    'http://hunter2 x',
    'x:99999',
    'http://u:hunter2%zz@x',
    'http://[hunter2',
    ':80',
  ]) {
    test(`${value} is wrong use, and is not shown`, () => {
      assert.throws(
        () => url(value),
        (error) => {
          assert.ok(error instanceof UsageError)
          assert.match(error.message, /HTTPS_PROXY/)
          assert.doesNotMatch(`${error.message} ${error.hint} ${error.cause}`, /hunter2/)
          return true
        },
      )
    })
  }

  for (const scheme of ['socks', 'socks4', 'socks4a', 'socks5', 'SOCKS5H', 'ftp', 'file']) {
    test(`${scheme} is wrong use`, () => {
      assert.throws(() => proxyFor(AMPLITUDE, { ALL_PROXY: `${scheme}://u:hunter2@proxy.test:1080` }), {
        name: 'UsageError',
        message: new RegExp(`^ALL_PROXY names a ${scheme.toLowerCase()} proxy`),
      })
    })
  }
})

describe('NO_PROXY', () => {
  const isDirect = (target: string, list: string) =>
    proxyFor(new URL(target), { HTTPS_PROXY: 'proxy.test:3128', NO_PROXY: list }) === null

  for (const [list, direct, through] of [
    ['*', ['https://api2.amplitude.com', 'https://10.0.0.1'], []],
    ['a, *', ['https://api2.amplitude.com'], []],
    ['amplitude.com', ['https://amplitude.com', 'https://api2.Amplitude.com'], ['https://notamplitude.com']],
    ['.amplitude.com', ['https://amplitude.com', 'https://api2.amplitude.com'], ['https://amplitude.com.test']],
    ['*.amplitude.com', ['https://api2.amplitude.com'], ['https://amplitude.org']],
    ['AMPLITUDE.com.', ['https://api2.amplitude.com', 'https://amplitude.com.'], []],
    ['a.test b.test,c.test', ['https://a.test', 'https://b.test', 'https://c.test'], ['https://d.test']],
    ['a.test:8443', ['https://a.test:8443'], ['https://a.test', 'https://a.test:443']],
    ['a.test:443', ['https://a.test', 'https://x.a.test'], ['https://a.test:8443']],
    ['10.0.0.1', ['https://10.0.0.1'], ['https://10.0.0.11', 'https://10.0.0.2']],
    ['0.0.1', [], ['https://10.0.0.1']],
    [
      '10.0.0.0/8,192.168.1.0/24',
      ['https://10.9.8.7', 'https://192.168.1.9'],
      ['https://192.168.2.9', 'https://a.test'],
    ],
    ['10.0.0.0/99,10.0.0.0/', [], ['https://10.0.0.1']],
    ['fd00::1,[fd00::2]', ['https://[fd00::1]', 'https://[fd00::2]'], ['https://[fd00::3]']],
    ['[fd00::1]:8443', ['https://[fd00::1]:8443'], ['https://[fd00::1]']],
    ['fd00::/8', ['https://[fd00::1]'], ['https://[fe00::1]', 'https://10.0.0.1']],
    ['', [], ['https://api2.amplitude.com']],
    [', ,.', [], ['https://api2.amplitude.com']],
  ] as const) {
    test(JSON.stringify(list), () => {
      for (const target of direct) assert.ok(isDirect(target, list), target)
      for (const target of through) assert.ok(!isDirect(target, list), target)
    })
  }

  test('in lower case counts first', () => {
    const environment = { HTTPS_PROXY: 'a', no_proxy: 'other.test', NO_PROXY: '*' }
    assert.notEqual(proxyFor(AMPLITUDE, environment), null)
    assert.equal(proxyFor(AMPLITUDE, { ...environment, no_proxy: '' }), null)
  })
})
