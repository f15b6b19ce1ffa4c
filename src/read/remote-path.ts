import { typeOfPath } from '../currents/path-type.ts'
import { UsageError } from '../errors.ts'
import { ownCommand, shellQuoted } from '../own-command.ts'

/** Paths of object storage, which other tools read (src/README.md §7). */

/** What to type instead. The addresses are quoted for a shell. */
interface Store {
  readonly is: RegExp
  /** The address as the store's own tools take it. */
  readonly address: (url: string) => string
  readonly copyFile: (url: string) => string
  /** Null when there are no folders. */
  readonly copyFolder: ((url: string) => string) | null
  readonly stream: (url: string) => string
  readonly mount: string | null
}

const AZURE_HOST = /^(?:abfss?|wasbs?):\/\/([^@/]+)@([\w-]+)\.(?:dfs|blob)\.core\.windows\.net\//i

const STORES: readonly Store[] = [
  {
    is: /^s3[an]?:/i,
    address: (url) => url.replace(/^s3[an]?:/i, 's3:'),
    copyFile: (url) => `aws s3 cp ${url} exports/`,
    copyFolder: (url) => `aws s3 sync ${url} exports`,
    stream: (url) => `aws s3 cp ${url} -`,
    mount: 'mount-s3 --read-only BUCKET DIRECTORY',
  },
  {
    is: /^(?:gs|gcs):|^https:\/\/storage\.(?:googleapis|cloud\.google)\.com\//i,
    address: (url) => url.replace(/^(?:gcs:\/\/|https:\/\/[^/]+\/)/i, 'gs://'),
    copyFile: (url) => `gcloud storage cp ${url} exports/`,
    copyFolder: (url) => `gcloud storage rsync --recursive ${url} exports`,
    stream: (url) => `gcloud storage cat ${url}`,
    mount: 'gcsfuse -o ro BUCKET DIRECTORY',
  },
  {
    is: /^(?:az|azure|abfss?|wasbs?|adl):|^https:\/\/[\w-]+\.(?:blob|dfs)\.core\.windows\.net\//i,
    address: (url) =>
      url
        .replace(AZURE_HOST, 'https://$2.blob.core.windows.net/$1/')
        .replace(/^(?!https:)[a-z]+:\/\//i, 'https://ACCOUNT.blob.core.windows.net/'),
    copyFile: (url) => `azcopy copy ${url} exports/`,
    copyFolder: (url) => `azcopy copy ${url} exports --recursive`,
    stream: (url) => `azcopy copy ${url} --from-to BlobPipe`,
    mount: 'blobfuse2 mount DIRECTORY --read-only --config-file FILE',
  },
  {
    is: /^hdfs:/i,
    address: (url) => url,
    copyFile: (url) => `hdfs dfs -get ${url} exports/`,
    copyFolder: (url) => `hdfs dfs -get ${url} exports`,
    stream: (url) => `hdfs dfs -cat ${url}`,
    mount: null,
  },
  {
    is: /^(?:https?|ftps?|sftp):/i,
    address: (url) => url,
    copyFile: (url) => `curl --fail --location --output-dir exports --create-dirs --remote-name ${url}`,
    copyFolder: null,
    stream: (url) => `curl --fail --silent --show-error --location ${url}`,
    mount: null,
  },
]

/**
 * Answers addresses with the lines to type.
 * @throws UsageError when one of the paths is the address of something elsewhere
 */
export function refuseRemotePaths(paths: readonly string[]): void {
  for (const path of paths) {
    const store = /^[a-z][a-z\d+.-]*:\/\//i.test(path) ? STORES.find(({ is }) => is.test(path)) : undefined
    if (store !== undefined) throw remotePath(path, store, paths)
  }
}

function remotePath(path: string, store: Store, paths: readonly string[]): UsageError {
  const address = store.address(path)
  // What stands before a pattern is a folder.
  const folder = address.replace(/(?<=\/)[^/]*[*?[{].*$/, '')
  const isFile = folder === address && /\.\w+$/.test(address.replace(/^.*\//, '')) && !address.endsWith('/')
  const { type } = typeOfPath(path)
  const lines: string[] = []
  if (isFile || store.copyFolder === null) lines.push(`${store.copyFile(shellQuoted(address))} && ${replay('exports')}`)
  else lines.push(`${store.copyFolder(shellQuoted(folder))} && ${replay('exports')}`)
  if (isFile) lines.push(`${store.stream(shellQuoted(address))} | ${replay('-')}`)
  else lines.push(`${store.stream(shellQuoted(`${folder.replace(/\/?$/, '/')}FILE`))} | ${replay('-')}`)
  if (store.mount !== null) lines.push(`${store.mount} && ${replay('DIRECTORY')}`)
  return new UsageError(`${path} is not on this machine, and only files are read`, {
    hint: `Type instead, to copy it, to stream one file${store.mount === null ? '' : ', or to mount it'}:\n${lines.map((line) => `    ${line}`).join('\n')}`,
  })

  function replay(instead: string): string {
    return ownCommand(paths, instead, type)
  }
}
