-- Requests for a completion: one at a time. The one before it is taken back, and its answer is not looked at.
local client = require("ds4agent.client")
local place = require("ds4agent.place")

local M = { INVOKED = 1, AUTOMATIC = 2 } -- InlineCompletionTriggerKind

local asked ---@type { client: vim.lsp.Client, id?: integer }?

function M.take_back()
  if asked and asked.id then
    asked.client:cancel_request(asked.id)
  end
  asked = nil
end

--- The server has ended.
function M.forget() asked = nil end

--- Ask for what fits at the cursor. A server that has nothing, or failed, says so in its own way: `done` is not called.
---@param buf integer the current one
---@param kind integer
---@param done fun(ghosts: ds4agent.Ghost[])
function M.ask(buf, kind, done)
  M.take_back()
  local found = client.get()
  if not found or not vim.lsp.buf_is_attached(buf, found.id) then
    return
  end
  local params = vim.lsp.util.make_position_params(0, found.offset_encoding)
  params.context = { triggerKind = kind }
  local origin, request = place.here(), { client = found }
  asked = request
  local _, id = found:request("textDocument/inlineCompletion", params, function(err, result)
    if asked ~= request then
      return
    end
    asked = nil
    if err or type(result) ~= "table" then
      return
    end
    done(vim.tbl_map(function(item) return place.ghost(item, origin, found) end, result.items or result))
  end, buf)
  request.id = id
end

return M
