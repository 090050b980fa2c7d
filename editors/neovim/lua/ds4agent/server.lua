-- The language server's process: one for the whole editor, whatever the number of projects.
--
-- Neovim starts it for every file through vim.lsp.enable(); whoever needs it without a file (a chat) starts the
-- same one. When it dies, Neovim says so and it is started anew, but not if it dies again and again.
local client = require("ds4agent.client")
local config = require("ds4agent.config")

local M = {}
local RESTARTS, WITHIN_MS = 3, 60000

local deaths = {} ---@type number[]
local late = {} ---@type lsp.WorkspaceFolder[] folders that the server has not been told about

M.INSTALL = "its program was not found. Install it with `make build` in its checkout, and put .venv/bin on PATH"
  .. " or name it: setup({ cmd = { '/path/to/ds4agent', 'lsp' } })"

--- The server's command, or nil if it is nowhere. A checkout that this plugin lies in has one of its own.
---@return string[]?
function M.command()
  local given = config.options.cmd
  if given then
    return vim.fn.executable(given[1]) == 1 and given or nil
  end
  local here = vim.fs.dirname(vim.uv.fs_realpath(debug.getinfo(1, "S").source:sub(2)))
  local own = vim.fs.normalize(here .. "/../../../../.venv/bin/ds4agent")
  for _, program in ipairs({ "ds4agent", own }) do
    if vim.fn.executable(program) == 1 then
      return { program, "lsp" }
    end
  end
end

-- Whether a buffer is a file that a model could be asked about; a huge one would block the editor while it is sent.
local function wanted(buf)
  if vim.bo[buf].buftype ~= "" or vim.bo[buf].binary then
    return false
  end
  local size = vim.api.nvim_buf_get_offset(buf, vim.api.nvim_buf_line_count(buf))
  return size <= config.options.max_file_kb * 1024
end

local function root_of(buf)
  return vim.fs.root(buf, { ".git", ".hg", ".jj", "pyproject.toml", "package.json", "Cargo.toml", "go.mod" })
    or vim.fn.getcwd()
end

-- A server that has not answered `initialize` must not be told anything yet.
local function tell_folders(found)
  if #late > 0 then
    found:notify("workspace/didChangeWorkspaceFolders", { event = { added = late, removed = {} } })
    late = {}
  end
end

-- One process serves all projects: a further one is one more workspace folder.
local function reuse(found, wanted_config)
  if found.name ~= client.NAME or found:is_stopped() then
    return false
  end
  local root = wanted_config.root_dir
  local uri = root and vim.uri_from_fname(root)
  local folders = found.workspace_folders or {}
  if uri and not vim.iter(folders):any(function(folder) return folder.uri == uri end) then
    local folder = { uri = uri, name = root }
    found.workspace_folders = vim.list_extend(folders, { folder })
    table.insert(late, folder)
    if found.initialized then
      tell_folders(found)
    end
  end
  return true
end

-- A process that was not asked to end begins anew, unless that does not help. Neovim has told that it ended.
local function ended(code, signal)
  if vim.v.exiting ~= vim.NIL then
    return
  end
  client.ended()
  require("ds4agent.agent").ended()
  if (code == 0 and signal == 0) or signal == 15 then
    return
  end
  require("ds4agent.ghost").forget()
  require("ds4agent.status").reset()
  local now = vim.uv.now()
  deaths = vim.tbl_filter(function(at) return now - at < WITHIN_MS end, deaths)
  table.insert(deaths, now)
  local cause = signal ~= 0 and "signal " .. signal or "exit code " .. code
  if #deaths > RESTARTS then
    client.say(
      ("the language server ended again (%s); `:Ds4 log` may say why"):format(cause),
      vim.log.levels.ERROR
    )
    return
  end
  vim.lsp.enable(client.NAME)
end

local function initialized(found)
  require("ds4agent.preview").intercept(found)
  require("ds4agent.status").reset()
  tell_folders(found)
  -- The files that it was started for are announced first.
  vim.schedule(function() client.ready(found) end)
end

local function attached(found, buf)
  -- Ours does more: a part can be accepted, and what is shown follows what is typed.
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(false, { client_id = found.id })
  end
  require("ds4agent.ghost").refresh(buf)
end

-- The code action "explain": where the server's command would answer to nobody, a chat is opened.
local function explain(command)
  local range = command.arguments[2]
  local first, last = range.start, range["end"]
  local lines = not vim.deep_equal(first, last) and { first.line + 1, last.line + 1 } or nil
  require("ds4agent.chat").explain(lines)
end

local function client_config()
  local settings = next(config.options.settings) and config.options.settings or vim.empty_dict()
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  -- Neovim says the first of these from 0.12 on, and never says that it knows versions of documents; here it does.
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = false }
  capabilities.workspace.workspaceEdit.changeAnnotationSupport = { groupsOnLabel = true }
  capabilities.workspace.workspaceEdit.documentChanges = true
  capabilities.experimental = { ds4agent = { approve = true } }
  return {
    cmd = M.command(),
    capabilities = capabilities,
    -- At once, so that no request comes before them; and for whoever changes them with vim.lsp.config().
    init_options = settings,
    settings = { ds4agent = settings },
    root_dir = function(buf, start)
      if wanted(buf) then
        start(root_of(buf))
      end
    end,
    reuse_client = reuse,
    on_init = initialized,
    on_attach = attached,
    on_exit = vim.schedule_wrap(ended),
    handlers = require("ds4agent.handlers"),
    commands = { ["ds4.explain"] = explain },
  }
end

-- Whether there is a server to be started.
local function prepare()
  if M.command() then
    vim.lsp.config(client.NAME, client_config())
    return true
  end
  client.say(M.INSTALL, vim.log.levels.ERROR)
  return false
end

-- The server for a buffer, or without one.
local function start(how, root)
  how.reuse_client = reuse
  return vim.lsp.start(vim.tbl_extend("force", vim.lsp.config[client.NAME], { root_dir = root }), how)
end

-- A buffer without a file type.
local function attach(buf)
  if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].filetype == "" and wanted(buf) then
    start({ bufnr = buf }, root_of(buf))
  end
end

--- Have a server, whether there is a file for it or not.
---@return boolean whether one is there or on its way
function M.ensure() return prepare() and start({ attach = false }, vim.fn.getcwd()) ~= nil end

---@param group integer
function M.setup(group)
  if not prepare() then
    return
  end
  vim.lsp.enable(client.NAME)
  -- Files of unknown kind get no FileType event, by which Neovim would start it.
  vim.api.nvim_create_autocmd({ "BufReadPost", "BufNewFile" }, {
    group = group,
    callback = function(event)
      vim.schedule(function() attach(event.buf) end)
    end,
  })
end

return M
