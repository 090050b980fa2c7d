-- The options of setup(), checked: a typo would otherwise be an option that silently does nothing.
local M = {}

---@class ds4agent.Options
---@field cmd? string[] the language server; else `ds4agent lsp` from PATH
---@field settings? table as config.toml, e.g. { engine = "embedded", lsp = { debounce = 0.1 } }
---@field keys? table<string, string> action of ghost text -> key in insert mode; none by default
---@field max_file_kb? integer larger files are not sent to the server

---@type ds4agent.Options
M.options = { settings = {}, keys = {}, max_file_kb = 8192 }

-- What `keys` may name, and the mapping behind it.
M.actions = {
  accept = "<Plug>(ds4-accept)",
  accept_line = "<Plug>(ds4-accept-line)",
  accept_word = "<Plug>(ds4-accept-word)",
  dismiss = "<Plug>(ds4-dismiss)",
  next = "<Plug>(ds4-next)",
  previous = "<Plug>(ds4-previous)",
  complete = "<Plug>(ds4-complete)",
}

local TYPES = { cmd = "table", settings = "table", keys = "table", max_file_kb = "number" }

---@return string? fault
local function fault(options)
  for name, value in pairs(options) do
    if not TYPES[name] then
      return ("unknown option %q; there are %s"):format(
        name,
        table.concat(vim.fn.sort(vim.tbl_keys(TYPES)), ", ")
      )
    elseif type(value) ~= TYPES[name] then
      return ("option %q has to be a %s"):format(name, TYPES[name])
    end
  end
  for action in pairs(options.keys or {}) do
    if not M.actions[action] then
      local known = table.concat(vim.fn.sort(vim.tbl_keys(M.actions)), ", ")
      return ("unknown action %q in keys; there are %s"):format(action, known)
    end
  end
end

--- What is wrong is told, and the defaults hold.
---@param options? ds4agent.Options
function M.set(options)
  local wrong = fault(options or {})
  if wrong then
    require("ds4agent.client").say("setup(): " .. wrong, vim.log.levels.ERROR)
    return
  end
  M.options = vim.tbl_extend("force", M.options, options or {})
end

return M
