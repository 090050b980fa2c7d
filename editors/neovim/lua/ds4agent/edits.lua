-- What changes files: instructions, and the code actions that have a command of their own.
local api = vim.api
local client = require("ds4agent.client")

local M = {}

---@return vim.lsp.Client? client of the current buffer; the user is told if there is none
local function own()
  local found = client.get()
  if found and vim.lsp.buf_is_attached(0, found.id) then
    return found
  end
  client.say("the language server does not have this file", vim.log.levels.WARN)
end

local function edited(result, found)
  if not result.edit or result.edit == vim.NIL then
    return client.say(result.summary)
  end
  require("ds4agent.preview").apply(result.edit, found, result.summary)
end

--- Do what the instruction says to some lines, or to what the cursor is in; without one it is asked for.
---@param lines? { [1]: integer, [2]: integer }
---@param instruction string
function M.edit(lines, instruction)
  local found = own()
  if not found then
    return
  end
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(),
    range = client.range(lines, found),
  }
  local function send(answer)
    if answer and answer ~= "" then
      params.instruction = answer
      local done = function(result) edited(result, found) end
      client.request("ds4/edit", params, done, nil, require("ds4agent.work").started)
    end
  end
  if instruction ~= "" then
    return send(instruction)
  end
  vim.ui.input({ prompt = "Edit: " }, send)
end

--- A code action of this server's, out of Neovim's list of them; the only one is not asked about.
---@param kind string the beginning of the action's kind
---@param lines? { [1]: integer, [2]: integer }
---@param diagnostics? lsp.Diagnostic[]
function M.action(kind, lines, diagnostics)
  if not own() then
    return
  end
  local range
  if lines then
    range = { start = { lines[1], 0 }, ["end"] = { lines[2], #vim.fn.getline(lines[2]) } }
  end
  vim.lsp.buf.code_action({
    context = { only = { kind }, diagnostics = diagnostics or {} },
    range = range,
    filter = function(action) return vim.tbl_get(action, "data", "do") ~= nil end,
    apply = true,
  })
end

--- Fix what language servers found in the lines; where they found nothing, what the model finds.
---@param lines? { [1]: integer, [2]: integer }
function M.fix(lines)
  local found = own()
  if not found then
    return
  end
  local line = api.nvim_win_get_cursor(0)[1]
  local diagnostics = require("ds4agent.diagnostics").within(0, lines or { line, line }, found)
  if #diagnostics > 0 then
    return M.action("quickfix", lines, diagnostics)
  end
  local arguments = { vim.uri_from_bufnr(0), client.range(lines, found) }
  local params = { command = "ds4.fix", arguments = arguments }
  client.request("workspace/executeCommand", params, function() end, nil, require("ds4agent.work").started)
end

return M
