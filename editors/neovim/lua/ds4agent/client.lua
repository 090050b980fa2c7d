-- The way to the language server: one message to the user, requests, notifications.
local M = { NAME = "ds4agent" }

local waiting = {} ---@type { done: fun(client: vim.lsp.Client), failed?: fun() }[]
local asked = {} ---@type table<table, fun()> what to call for requests that have no answer when the server ends

---@return vim.lsp.Client? client one that has been initialized
function M.get() return vim.lsp.get_clients({ name = M.NAME })[1] end

--- While Neovim starts it would be taken for an error of the user's file, so it waits.
---@param message string
function M.say(message, level)
  local function say() vim.notify("ds4agent: " .. message, level or vim.log.levels.INFO) end
  if vim.v.vim_did_enter == 1 then
    return say()
  end
  vim.api.nvim_create_autocmd("VimEnter", { once = true, callback = vim.schedule_wrap(say) })
end

--- Call `done` with a server that is ready; one is started if there is none.
---@param done fun(client: vim.lsp.Client)
---@param failed? fun() it has ended before it was ready
function M.with(done, failed)
  local client = M.get()
  if client then
    return done(client)
  end
  if require("ds4agent.server").ensure() then
    table.insert(waiting, { done = done, failed = failed })
  elseif failed then
    failed()
  end
end

--- The server is ready for those who wait for it.
---@param found vim.lsp.Client
function M.ready(found)
  local first = waiting
  waiting = {}
  for _, each in ipairs(first) do
    each.done(found)
  end
end

--- The server has ended. Neovim forgets what it was asked, so whoever waits for an answer is told here.
function M.ended()
  local first, others = waiting, asked
  waiting, asked = {}, {}
  for _, each in ipairs(first) do
    if each.failed then
      each.failed()
    end
  end
  for _, failed in pairs(others) do
    failed()
  end
end

--- Ask for something. An error is told to the user, and `failed` is called; so it is when the server ends.
---@param method string
---@param params table
---@param done fun(result: any)
---@param failed? fun()
---@param started? fun(client: vim.lsp.Client, id: integer) by which it can be taken back
function M.request(method, params, done, failed, started)
  local mine = {}
  M.with(function(client)
    asked[mine] = failed
    local sent, id = client:request(method, params, function(err, result)
      asked[mine] = nil
      if not err then
        return done(result)
      end
      M.say(err.message, vim.log.levels.ERROR)
      if failed then
        failed()
      end
    end)
    if sent and started then
      started(client, id)
    elseif not sent then
      asked[mine] = nil
      if failed then
        failed()
      end
    end
  end, failed)
end

--- Tell the server, if there is one.
function M.tell(method, params)
  local client = M.get()
  if client then
    client:notify(method, params)
  end
end

--- Lines of the current buffer as LSP has a range; without any, the cursor's place.
---@param lines? { [1]: integer, [2]: integer } from 1
---@param client vim.lsp.Client
function M.range(lines, client)
  if not lines then
    local position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
    return { start = position, ["end"] = position }
  end
  local text = vim.fn.getline(lines[2])
  local stop = vim.str_utfindex(text, client.offset_encoding, #text, false)
  return {
    start = { line = lines[1] - 1, character = 0 },
    ["end"] = { line = lines[2] - 1, character = stop },
  }
end

return M
