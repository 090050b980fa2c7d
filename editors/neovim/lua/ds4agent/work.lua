-- The requests that are under way, so that the newest can be stopped.
local M = {}

local running = {} ---@type { client: vim.lsp.Client, id: integer }[]

---@param client vim.lsp.Client
---@param id integer
function M.started(client, id) table.insert(running, { client = client, id = id }) end

--- Take back the newest one that has no answer yet.
---@return boolean whether there was one
function M.stop()
  while #running > 0 do
    local last = table.remove(running)
    local pending = last.client.requests[last.id]
    if pending and pending.type == "pending" then
      last.client:cancel_request(last.id)
      return true
    end
  end
  return false
end

return M
